"""A run's folder: its identity, its journals, and the numbers made from them."""
