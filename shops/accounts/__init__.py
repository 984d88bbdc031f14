"""Users, their roles and addresses."""
