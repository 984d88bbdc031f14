"""How many units there are, and who holds them."""
