"""The roof: settings, routes and the one table of who reacts to what."""
