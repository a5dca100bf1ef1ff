"""The commands of `addressee`, one file each."""
