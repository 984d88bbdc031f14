"""What was bought: purchases, orders, lines."""
