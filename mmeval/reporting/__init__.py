"""Reports of a run: tables, figures, a page, published scores. They need only scores, not models."""
