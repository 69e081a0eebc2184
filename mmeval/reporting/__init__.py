"""What people see of a run: tables, figures, a page, published scores beside it. It stands on scores, not models."""
