"""Read answers out of text and turn scores into numbers with intervals."""
