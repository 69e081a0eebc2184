"""Reading answers out of text."""
