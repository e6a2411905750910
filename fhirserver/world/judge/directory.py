"""The payer directory: what insurance companies are called on the telephone, and what their member ids look like.

A TOML file of tables ``[[payer]]`` with ``name``, ``aliases`` (a list), ``id`` (a regular expression over the
id in capitals without separators), ``regional`` (whether plans of several states share the name) and ``common``
(whether the name is an ordinary word, which counts only where insurance is spoken of).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

from fhirserver.world.spoken.addresses import STATES
from fhirserver.world.spoken.words import Found, fold, tokens

MOST_WORDS = 8
_MEMBERS = {"name": str, "aliases": list, "id": str, "regional": bool, "common": bool}
_ENDINGS = (
    "inc",
    "llc",
    "corporation",
    "corp",
    "company",
    "co",
    "insurance",
    "health plan",
    "health plans",
    "healthcare",
    "plan",
)


class InvalidDirectory(ValueError):
    """The payer file is wrong; the message names the table and the member."""


@dataclass(frozen=True, slots=True)
class Payer:
    """One payer. ``id`` is the shape of its member ids, None where it is not known."""

    name: str
    aliases: tuple[str, ...] = ()
    id: re.Pattern[str] | None = None
    regional: bool = False
    common: bool = False

    def fits(self, member_id: str) -> bool:
        """Whether a member id may be this payer's; true where its shape is not known."""
        bare = re.sub(r"[\s\-]", "", member_id.upper())
        return self.id is None or self.id.fullmatch(bare) is not None


@dataclass(frozen=True, slots=True)
class Directory:
    """Payers, found by what they are called."""

    payers: tuple[Payer, ...]
    forms: Mapping[str, Payer] = field(default_factory=dict)
    """Every name, its words joined: a recogniser divides them as it likes."""

    def find(self, name: str) -> Payer | None:
        """The payer that a name belongs to, its region left aside."""
        bare, _ = _region(name)
        wanted = _said_words(bare)
        return self.forms.get("".join(wanted)) or self.forms.get("".join(_without_ending(wanted)))

    def key(self, name: str) -> str:
        """The name for comparison: the payer's own, with the state where its plans differ by state."""
        payer = self.find(name)
        if payer is None:
            return " ".join(_said_words(name))
        region = _region(name)[1] if payer.regional else ""
        return f"{payer.name} of {region}" if region else payer.name

    def named_in(self, text: str) -> list[Found[str]]:
        """The payers that a text names, as their keys, in order; the longest name wins."""
        ts = [t for t in tokens(text) if not t.is_mark]
        out: list[Found[str]] = []
        i = 0
        while i < len(ts):
            words = [t.text.removesuffix("'s") for t in ts[i : i + MOST_WORDS]]
            sizes = (n for n in range(len(words), 0, -1) if "".join(words[:n]) in self.forms)
            size = next(sizes, 0)
            if not size:
                i += 1
                continue
            payer = self.forms["".join(words[:size])]
            end = ts[i + size - 1].end
            region = _region_after(text[end:]) if payer.regional else ""
            key = f"{payer.name} of {region}" if region else payer.name
            out.append(Found(key, ts[i].start, end))
            i += size
        return out

    def is_common(self, key: str) -> bool:
        """Whether a payer's name is also an ordinary word."""
        payer = self.find(key)
        return payer is not None and payer.common

    def including(self, name: str, aliases: Iterable[str] = ()) -> Directory:
        """This directory with a payer that the world knows; its aliases are added where it is there already."""
        more = tuple(a for a in aliases if a)
        known = self.find(name)
        if known is None:
            return directory((*self.payers, Payer(name, more)))
        if not more:
            return self
        mine = replace(known, aliases=(*known.aliases, *more))
        return directory(mine if p is known else p for p in self.payers)


def directory(payers: Iterable[Payer]) -> Directory:
    """A directory of payers."""
    listed = tuple(payers)
    named = [(_said_words(name), p) for p in listed for name in (p.name, *p.aliases)]
    forms = {"".join(_without_ending(words)): p for words, p in named} | {
        "".join(words): p for words, p in named
    }
    forms.pop("", None)
    return Directory(listed, forms)


def parse_directory(text: str) -> Directory:
    """Read a payer file. Raises :class:`InvalidDirectory`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidDirectory(f"not TOML: {error}") from None
    unknown = sorted(set(document) - {"payer"})
    if unknown or not isinstance(document.get("payer", []), list):
        raise InvalidDirectory(
            f"unknown table '{unknown[0] if unknown else 'payer'}'; the only ones are [[payer]]"
        )
    return directory(_payer(n, entry) for n, entry in enumerate(document.get("payer", ()), 1))


def _payer(number: int, entry: dict[str, Any]) -> Payer:
    for member, value in entry.items():
        if member not in _MEMBERS:
            raise InvalidDirectory(f"payer {number}: unknown member '{member}'; known: {', '.join(_MEMBERS)}")
        if not isinstance(value, _MEMBERS[member]):
            raise InvalidDirectory(f"payer {number}: {member} is a {_MEMBERS[member].__name__}")
    if not entry.get("name"):
        raise InvalidDirectory(f"payer {number}: name is needed")
    try:
        shape = re.compile(entry["id"]) if entry.get("id") else None
    except re.error as error:
        raise InvalidDirectory(f"payer {number}: id is no regular expression: {error}") from None
    return Payer(
        entry["name"], tuple(map(str, entry.get("aliases", ()))), shape, entry.get("regional", False)
    )


def _said_words(name: str) -> tuple[str, ...]:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(t.text for t in tokens(parted) if not t.is_mark)


def _without_ending(words: tuple[str, ...]) -> tuple[str, ...]:
    for ending in sorted(_ENDINGS, key=len, reverse=True):
        tail = tuple(ending.split())
        if len(words) > len(tail) and words[-len(tail) :] == tail:
            short = words[: -len(tail)]
            return short if len("".join(short)) > 4 else words
    return words


def _region(name: str) -> tuple[str, str]:
    """A name without its ``of Texas``, and the state's code."""
    match = re.search(r"\s+of\s+(?:the\s+)?(.+)$", name.strip(), re.I)
    code = _state(match[1]) if match else ""
    if match and code:
        return name[: match.start()], code
    last = name.split()[-1:] or [""]
    lone = _state(last[0])
    return (name.rsplit(None, 1)[0], lone) if lone and len(name.split()) > 1 else (name, "")


def _region_after(text: str) -> str:
    words = [t.text for t in tokens(text[:40]) if not t.is_mark]
    words = words[1:] if words[:1] == ["of"] else words
    return next((code for n in (2, 1) if (code := _state(" ".join(words[:n])))), "")


def _state(words: str) -> str:
    folded = fold(words).strip()
    return STATES.get(folded, words.upper() if words.isupper() and words in STATES.values() else "")


@cache
def default_directory() -> Directory:
    """The shipped directory."""
    return parse_directory((files("fhirserver.world.judge") / "payers.toml").read_text("utf-8"))
