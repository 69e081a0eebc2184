"""Readers that several benchmarks share: tables, pictures, videos, demonstrations and the hub."""
