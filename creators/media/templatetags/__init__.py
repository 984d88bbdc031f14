"""What templates say of video."""
