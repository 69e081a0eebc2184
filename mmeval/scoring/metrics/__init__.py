"""Summing scores up."""
