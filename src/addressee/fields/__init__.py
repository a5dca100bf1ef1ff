"""Field types: one file each, pure."""
