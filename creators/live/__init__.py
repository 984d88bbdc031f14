"""Live shows: schedule, bag, pins, end."""
