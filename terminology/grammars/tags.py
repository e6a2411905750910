"""Language tags: well-formed and valid, in normal case. https://www.rfc-editor.org/rfc/rfc5646#section-2"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from terminology.grammars.subtags import Registry, registry

_LONGEST = 255
_WELL_FORMED = re.compile(
    r"(?:(?P<language>[a-z]{2,8})(?P<extlang>(?:-[a-z]{3}){0,3})(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|[0-9]{3}))?(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?P<extensions>(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*)(?:-(?P<private>x(?:-[a-z0-9]{1,8})+))?"
    r"|(?P<only>x(?:-[a-z0-9]{1,8})+))"
)
_SINGLETON = re.compile(r"-([0-9a-wy-z])(?=-)")
_EXTENSION = re.compile(r"-([0-9a-wy-z](?:-[a-z0-9]{2,8})+)")


class Tag(NamedTuple):
    """A valid tag by its parts, all in lower case; ``code`` is the tag in normal case."""

    code: str
    language: str = ""
    extlang: tuple[str, ...] = ()
    script: str = ""
    region: str = ""
    variants: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    private: str = ""
    irregular: str = ""
    """A tag of before the registry, which has no parts: ``i-default``."""


@lru_cache(4096)
def read(code: str) -> Tag | None:
    """In any case. None for what is not well-formed, or has a subtag that is not registered."""
    if not 0 < len(code) <= _LONGEST or not code.isascii():
        return None
    lower = code.lower()
    known = registry()
    if known.find("grandfathered", lower) is not None:
        return Tag(_in_case(lower), irregular=lower)
    found = _WELL_FORMED.fullmatch(lower)
    if found is None:
        return None
    if found["only"]:
        return Tag(lower, private=found["only"])
    tag = Tag(
        code=_in_case(lower),
        language=found["language"],
        extlang=_split(found["extlang"]),
        script=found["script"] or "",
        region=found["region"] or "",
        variants=_split(found["variants"]),
        extensions=tuple(_extensions(found["extensions"])),
        private=found["private"] or "",
    )
    return tag if _is_valid(tag, known) else None


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split("-")[1:])


def _extensions(text: str) -> Iterable[str]:
    """Each begins with its singleton; the text of one ends where the next singleton stands."""
    return _EXTENSION.findall(text)


def _is_valid(tag: Tag, known: Registry) -> bool:
    """https://www.rfc-editor.org/rfc/rfc5646#section-2.2.9"""
    singletons = [one[0] for one in tag.extensions]
    if len({*singletons}) < len(singletons) or len({*tag.variants}) < len(tag.variants):
        return False
    wanted = [("language", tag.language), *(("variant", one) for one in tag.variants)]
    wanted += [(kind, one) for kind, one in (("script", tag.script), ("region", tag.region)) if one]
    return all(known.find(*one) is not None for one in wanted) and _is_extended(tag, known)


def _is_extended(tag: Tag, known: Registry) -> bool:
    """Whether there is no extended language, or one that may follow the language."""
    if not tag.extlang:
        return True
    found = known.find("extlang", tag.extlang[0])
    return len(tag.extlang) == 1 and found is not None and tag.language in found.prefixes


def _in_case(lower: str) -> str:
    """Regions in upper case and scripts in title case, but not behind a singleton.

    https://www.rfc-editor.org/rfc/rfc5646#section-2.1.1
    """
    parts = lower.split("-")
    for number, part in enumerate(parts[1:], 1):
        if len(parts[number - 1]) == 1:
            break
        if len(part) == 2:
            parts[number] = part.upper()
        elif len(part) == 4 and part.isalpha():
            parts[number] = part.title()
    return "-".join(parts)
