"""What goes out with a version besides the wheel: third-party notices, and notes cut from the changelog."""
