"""Returns of what was sold, and disputes about them."""
