"""The one path from cart to paid order."""
