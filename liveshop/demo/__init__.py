"""The invented world that a first start shows: two shops, what they sell, who presents it."""
