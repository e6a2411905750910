"""What is wrong with a map: where it stands, and what could not be read."""

from __future__ import annotations


class MapError(ValueError):
    """A condition, path, assignment or override that cannot be compiled. ``str`` never holds a value of a message."""
