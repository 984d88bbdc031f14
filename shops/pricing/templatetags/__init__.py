"""Template filters of the pricing room."""
