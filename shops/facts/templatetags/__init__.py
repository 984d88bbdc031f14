"""Template tags that belong to no room."""
