"""Which characters a recogniser takes for one another: ``B`` and ``D``, ``five`` and ``nine``."""

from __future__ import annotations

from collections.abc import Hashable

_GROUPS = ("BCDEGPTVZ3", "AJKH8", "MN", "FSX", "IY", "QU", "59", "O0", "I1L", "5F", "2T", "2Q", "67")


def may_be_misheard(heard: Hashable, meant: Hashable) -> bool:
    """Whether two ids may be one, misheard in at most two places."""
    left, right = str(heard), str(meant)
    if len(left) != len(right):
        return False
    apart = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
    return 0 < len(apart) <= 2 and (all(_confused(a, b) for a, b in apart) or _teens(left, right))


def _confused(a: str, b: str) -> bool:
    return any(a in group and b in group for group in _GROUPS)


def _teens(left: str, right: str) -> bool:
    """``fifteen`` and ``fifty``: ``15`` against ``50``."""
    places = [i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b]
    if len(places) != 2 or places[1] != places[0] + 1:
        return False
    a, b = left[places[0] : places[0] + 2], right[places[0] : places[0] + 2]
    return (a[0] == "1" and b[1] == "0" and a[1] == b[0]) or (b[0] == "1" and a[1] == "0" and b[1] == a[0])
