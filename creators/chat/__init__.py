"""Messages of a live show, deleting and muting."""
