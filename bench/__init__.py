"""The ratios of the performance goals: `make bench`. Nothing here is imported by the program."""
