"""The article's claims in miniature: the tiny family on the picture world, and what holds of them."""
