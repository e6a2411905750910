"""Fixtures of the mapping file of the same name."""
