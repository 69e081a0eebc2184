"""Speed at the size of Flan-T5-XL on one GPU."""
