"""The article's claims in miniature: how far they hold for the tiny family on the picture world."""
