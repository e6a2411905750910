"""Values of token parameters that ask the terminology: ``:in``, ``:not-in``, ``:above``, ``:below``.

https://hl7.org/fhir/R4/search.html#token The answer is a set of codes, fixed when the search is parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

from fhirserver.kernel.outcomes import Refusal
from fhirserver.kernel.references import parse_reference
from fhirserver.ports.terminology import Terminology
from fhirserver.search.escapes import split, unescape
from fhirserver.search.expression import Expression, Nothing, TokenIn

Found = TypeVar("Found")


def in_value_set(code: str, text: str, base: str, terminology: Terminology | None) -> Expression:
    """The codes of the value set that ``text`` names: its canonical url, or ``ValueSet/id`` of this server."""
    url = _local(unescape(text), base)
    if not url:
        raise ValueError("expected the canonical url of a value set, or ValueSet/[id]")
    expansion = _asked(lambda: _known(terminology).expand(url))
    codes: dict[str, list[str]] = {}
    for concept in expansion.concepts:
        codes.setdefault(concept.system, []).append(concept.code)
    return _among(code, codes)


def related(
    direction: Literal["above", "below"], code: str, text: str, terminology: Terminology | None
) -> Expression:
    """The concept ``text``, written ``[system]|[code]``, and those it is below or above."""
    sides = [unescape(side) for side in split(text, "|")]
    if len(sides) != 2 or not all(sides):
        raise ValueError("expected [system]|[code]")
    system, concept = sides
    codes = _asked(lambda: _known(terminology).related(system, concept, direction))
    return _among(code, {system: list(codes)})


def _among(code: str, codes: dict[str, list[str]]) -> Expression:
    return TokenIn(code, tuple((s, frozenset(found)) for s, found in codes.items())) if codes else Nothing()


def _local(text: str, base: str) -> str:
    """A reference to a ValueSet of this server without the base; anything else as it stands."""
    literal = parse_reference(text)
    if literal is not None and literal.type == "ValueSet" and literal.base in ("", base):
        return f"ValueSet/{literal.id}"
    return text


def _known(terminology: Terminology | None) -> Terminology:
    if terminology is None:
        raise ValueError("this server has no terminology to ask")
    return terminology


def _asked(ask: Callable[[], Found]) -> Found:
    """What the terminology answers; its refusals are about the value of the parameter."""
    try:
        return ask()
    except Refusal as refusal:
        raise ValueError("; ".join(issue.diagnostics for issue in refusal.issues)) from None
