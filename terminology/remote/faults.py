"""Why the other server gave no answer."""

from __future__ import annotations


class NoAnswer(Exception):
    """There is no answer from the other server; what is here may have one. The text names no code."""


class Unavailable(NoAnswer):
    """It is down, slow, overloaded, or what answers is no terminology server. ``code`` is that of the issue:
    ``timeout`` or ``transient``."""

    def __init__(self, words: str, code: str = "transient"):
        self.code = code
        super().__init__(words)


class NotAsked(Unavailable):
    """Nothing was asked: whoever asks must not wait."""


class Unknown(NoAnswer):
    """It answered that it does not know the code system or value set, or cannot do what was asked. ``code`` is that
    of its issue, such as ``not-found``, ``not-supported``, ``too-costly``."""

    def __init__(self, words: str, code: str = "not-found"):
        self.code = code
        super().__init__(words)
