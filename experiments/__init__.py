"""Work built on the public API and not installed with it: the tiny family, its study, and verification."""
