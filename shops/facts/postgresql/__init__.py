"""Django's way to PostgreSQL, with what every order passes made cheaper (see `base`)."""
