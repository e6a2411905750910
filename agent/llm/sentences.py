"""Cuts a text that is still being written into sentences, each as soon as it is whole."""

from __future__ import annotations

from agent.sentences import complete

LONGEST = 400
"""Characters after which a text without an end of sentence is cut at a space."""


class Splitter:
    """Takes pieces of a text, gives whole sentences. A sentence is whole once the next word has begun."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, piece: str) -> list[str]:
        """The sentences that ``piece`` completes."""
        self._rest += piece
        whole, rest = complete(self._rest)
        if whole and not rest:
            rest = whole.pop()
        self._rest = rest + (" " if self._rest[-1:].isspace() else "")
        while len(self._rest) > LONGEST:
            cut = self._rest.rfind(" ", 0, LONGEST) + 1 or LONGEST
            whole.append(self._rest[:cut])
            self._rest = self._rest[cut:]
        return [s for s in (" ".join(one.split()) for one in whole) if s]

    def finish(self) -> list[str]:
        """What is left when the text has ended."""
        last, self._rest = " ".join(self._rest.split()), ""
        return complete(last)[0] + [r for r in (complete(last)[1],) if r]
