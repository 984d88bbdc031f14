"""What templates say of returns."""
