"""What templates say of users."""
