"""What the command line does, called as people call it."""
