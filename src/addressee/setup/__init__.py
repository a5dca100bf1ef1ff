"""The rows and the file of the frozen Setup."""
