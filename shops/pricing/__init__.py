"""What a cart costs: shipping, tax, deals and vouchers."""
