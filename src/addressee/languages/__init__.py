"""Languages: one file each, pure; the catalogue of everything that our mail says."""
