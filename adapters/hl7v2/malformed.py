"""What is wrong with a text that is to be an HL7v2 message."""

from __future__ import annotations


class MalformedMessage(ValueError):
    """The text is not an HL7v2 message.

    ``reason`` holds no value of the message; ``place`` is a field (``MSH-9``), a segment (``PID[1]``) or a
    line (``line 4``).
    """

    def __init__(self, reason: str, place: str = ""):
        self.reason = reason
        self.place = place
        super().__init__(f"{place}: {reason}" if place else reason)
