"""What the machine gives: the time, the home folder, and the checkpoints at which tests make it fail."""
