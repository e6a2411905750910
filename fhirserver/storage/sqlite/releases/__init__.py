"""Imported releases of big code systems: one SQLite file each, written once and then only read."""
