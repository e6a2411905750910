"""Suites over real material that was not written for this project."""
