"""The command `labelwright`."""
