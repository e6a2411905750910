"""What is wrong with a value by its form alone, whatever was said."""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import Json
from fhirserver.world.judge.person import US_NPI
from fhirserver.world.spoken.identifiers import is_npi


def malformed(type: str, element: str, value: Json) -> str:
    """The fault in words, or empty: a check digit cannot be right by chance of hearing."""
    for item in _items(value):
        if (
            element == "identifier"
            and item.get("system") == US_NPI
            and not is_npi(str(item.get("value", "")))
        ):
            return "The check digit of the NPI is wrong."
    return ""


def _items(value: Json) -> Iterator[dict[str, Json]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item
