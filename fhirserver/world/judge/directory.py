"""The payer directory: what insurance companies are called on the telephone, and what their member ids look like.

A TOML file of tables ``[[payer]]`` with ``name``, ``aliases`` (a list), ``id`` (a regular expression over the
id in capitals without separators) and ``regional`` (whether plans of several states share the name).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from fhirserver.world.spoken.addresses import STATES
from fhirserver.world.spoken.words import Found, Token, fold, tokens

_MEMBERS = {"name": str, "aliases": list, "id": str, "regional": bool}
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

    def fits(self, member_id: str) -> bool:
        """Whether a member id may be this payer's; true where its shape is not known."""
        bare = re.sub(r"[\s\-]", "", member_id.upper())
        return self.id is None or self.id.fullmatch(bare) is not None


@dataclass(frozen=True, slots=True)
class Directory:
    """Payers, found by what they are called."""

    payers: tuple[Payer, ...]
    forms: tuple[tuple[tuple[str, ...], Payer], ...] = ()
    """Every name as words, the longest first."""

    def find(self, name: str) -> Payer | None:
        """The payer that a name belongs to, its region left aside."""
        bare, _ = _region(name)
        wanted = _said_words(bare)
        for form in (wanted, _without_ending(wanted)):
            for words, payer in self.forms:
                if words == form:
                    return payer
        return None

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
            hit = next(((words, p) for words, p in self.forms if _stands(words, ts, i)), None)
            if hit is None:
                i += 1
                continue
            words, payer = hit
            end = ts[i + len(words) - 1].end
            region = _region_after(text[end:]) if payer.regional else ""
            key = f"{payer.name} of {region}" if region else payer.name
            out.append(Found(key, ts[i].start, end))
            i += len(words)
        return out

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
    forms = {_said_words(name): p for p in listed for name in (p.name, *p.aliases)}
    forms |= {
        short: p
        for words, p in list(forms.items())
        if (short := _without_ending(words)) and short not in forms
    }
    forms.pop((), None)
    return Directory(listed, tuple(sorted(forms.items(), key=lambda form: -len(form[0]))))


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


def _stands(words: Sequence[str], ts: Sequence[Token], i: int) -> bool:
    said = ts[i : i + len(words)]
    if len(said) < len(words):
        return False
    return all(t.text.removesuffix("'s") == w for t, w in zip(said, words, strict=True))


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
