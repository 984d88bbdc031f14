"""Template filters of the live shows."""
