"""The registry of language subtags. https://www.iana.org/assignments/language-subtag-registry"""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fhirserver.kernel.json import loads

_DATA = Path(__file__).parent / "languages.json.xz"


class Subtag(NamedTuple):
    """``names`` are the registry's descriptions; ``prefixes`` are the tags it is meant to follow."""

    names: tuple[str, ...]
    preferred: str = ""
    prefixes: tuple[str, ...] = ()
    is_deprecated: bool = False


class Registry:
    """A text for each kind of subtag, so that nine thousand of them take 150 kB; read where one is asked for.

    Subtags are asked for in lower case. Kinds are ``language``, ``extlang``, ``script``, ``region``, ``variant``, and
    for whole tags ``grandfathered``.
    """

    def __init__(self) -> None:
        packed = loads(lzma.decompress(_DATA.read_bytes()))
        self.version = str(packed.pop("version"))
        self._texts: dict[str, str] = packed

    def find(self, kind: str, subtag: str) -> Subtag | None:
        text = self._texts[kind]
        at = text.find(f"\n{subtag}\t")
        if at < 0:
            return Subtag(("Private use",)) if _is_private(kind, subtag) else None
        parts = text[at + len(subtag) + 2 : text.index("\n", at + 1)].split("\t")
        return Subtag(
            names=tuple(filter(_is_name, parts)),
            preferred=next((part[1:] for part in parts if part[:1] == ">"), ""),
            prefixes=tuple(part[1:] for part in parts if part[:1] == "^"),
            is_deprecated="!" in parts,
        )

    def all(self, kind: str) -> Iterator[Sequence[str]]:
        """Each subtag of the kind with its names."""
        for line in self._texts[kind].splitlines():
            if line:
                yield [part for part in line.split("\t") if _is_name(part)]


def _is_name(part: str) -> bool:
    return part[:1] not in (">", "^", "!")


def _is_private(kind: str, subtag: str) -> bool:
    """Ranges of the registry in which nothing is named."""
    return (
        (kind == "language" and len(subtag) == 3 and "qaa" <= subtag <= "qtz")
        or (kind == "script" and len(subtag) == 4 and "qaaa" <= subtag <= "qabx")
        or (kind == "region" and len(subtag) == 2 and ("qm" <= subtag <= "qz" or "xa" <= subtag <= "xz"))
    )


@cache
def registry() -> Registry:
    """Read once, when it is first needed."""
    return Registry()
