"""What can be known of a script without running it."""
