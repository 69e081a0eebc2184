"""Reads answers out of text and turns scores into numbers with intervals."""
