"""Searches of US Core worked out by hand: no code of the server, only JSON and the words of the specification.

Values are found by the paths of the requirements (``name.family``, ``extension.where(url='…').valueDateTime``);
what matches is decided one value at a time. https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

_STEP = re.compile(r"extension\.where\(url\s*=\s*'([^']+)'\)|[^.]+")
_INSTANT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)
_COMMA = re.compile(r"(?<!\\),")
"""Between values of which either is asked for; one that belongs to a value is escaped."""
_KINDS = {
    "date": "date",
    "dateTime": "date",
    "instant": "date",
    "Period": "date",
    "Reference": "reference",
    "HumanName": "string",
    "Address": "string",
    "string": "string",
    "canonical": "uri",
    "http://hl7.org/fhirpath/System.String": "id",
}
_TEXT_PARTS = {
    "family",
    "given",
    "prefix",
    "suffix",
    "text",
    "line",
    "city",
    "district",
    "state",
    "postalCode",
    "country",
}
FOREVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True)
class Parameter:
    """One search parameter as the requirements describe it."""

    name: str
    paths: tuple[str, ...]
    kind: str

    @staticmethod
    def read(name: str, definition: Json) -> Parameter:
        kind = definition.get(":kind") or _KINDS.get(definition[":type"], "token")
        return Parameter(name, tuple(definition[":paths"]), kind)

    def values(self, resource: Json) -> list[Any]:
        """What the resource has at the paths."""
        found = [found for path in self.paths for found in _walk(resource, list(_steps(path)))]
        return [value for value in found if self.kind != "date" or _is_date(value)]


def _steps(path: str) -> Iterator[tuple[str, str]]:
    for match in _STEP.finditer(path):
        yield ("extension", match[1]) if match[1] else (match[0], "")


def _walk(value: Any, steps: list[tuple[str, str]]) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict):
        name, url = steps[0]
        for key, inner in value.items():
            if key == name or (key.startswith(name) and key[len(name)].isupper() and name not in value):
                wanted = [one for one in inner if one.get("url") == url] if url else inner
                wanted = _Text(inner) if key == f"{name}String" else wanted
                yield from _walk(wanted, steps[1:])


def _is_date(value: Any) -> bool:
    """Not a choice that is no date: an ``occurrenceString`` is a text, whatever it says."""
    return not isinstance(value, _Text)


class _Text(str):
    """The value of a choice of type string."""


# How a client writes a value


def written(parameter: Parameter, value: Any) -> list[str]:
    """The texts by which a value can be asked for, the plainest last."""
    if parameter.kind == "token":
        pairs = list(tokens(value))
        return [f"{system}|{code}" for system, code in pairs if system] + [code for _, code in pairs]
    if parameter.kind == "date":
        ends = [value] if isinstance(value, str) else [value[end] for end in ("start", "end") if end in value]
        return [*ends, *(end[:10] for end in ends if len(end) > 10)]
    if parameter.kind == "reference":
        reference = value.get("reference", "")
        return [reference, reference.rpartition("/")[2]] if reference else []
    if parameter.kind == "string":
        return [text.replace(",", "\\,") for text in texts(value) if text]
    return [value]


def tokens(value: Any) -> Iterator[tuple[str, str]]:
    """System and code of everything in a value that is a token."""
    if isinstance(value, dict):
        for coding in value.get("coding", ()):
            yield coding.get("system", ""), coding.get("code", "")
        code = value.get("code", value.get("value")) if "coding" not in value else None
        if isinstance(code, str):
            yield value.get("system", ""), code
    else:
        yield "", str(value).lower() if isinstance(value, bool) else value


def texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    held = [inner for name, inner in value.items() if name in _TEXT_PARTS]
    return [text for inner in held for text in (inner if isinstance(inner, list) else [inner])]


# What matches


def matches(parameter: Parameter, resource: Json, asked: str) -> bool:
    """Whether the resource has a value that the text asks for; commas are for either."""
    values = parameter.values(resource)
    either = [one.replace("\\,", ",") for one in _COMMA.split(asked)]
    return any(_matches(parameter, value, one) for one in either for value in values)


def _matches(parameter: Parameter, value: Any, asked: str) -> bool:
    if parameter.kind == "token":
        system, bar, code = asked.rpartition("|")
        return any(code == held and (not bar or system == own) for own, held in tokens(value))
    if parameter.kind == "date":
        prefix, text = (asked[:2], asked[2:]) if asked[:2].isalpha() else ("eq", asked)
        return _dates(prefix, spans(value), spans(text))
    if parameter.kind == "reference":
        held = value.get("reference", "")
        return bool(held) and asked in (held, held.rpartition("/")[2])
    if parameter.kind == "string":
        return any(folded(text).startswith(folded(asked)) for text in texts(value))
    return bool(asked == value)


def folded(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def spans(value: Any) -> tuple[datetime, datetime]:
    """First instant of a date, and the first after it. A Period without an end goes on for ever."""
    if isinstance(value, dict):
        low = spans(value["start"])[0] if "start" in value else FOREVER[0]
        return low, spans(value["end"])[1] if "end" in value else FOREVER[1]
    match = _INSTANT.fullmatch(value)
    assert match, value
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    moment = f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}{fraction or ''}"
    low = datetime.fromisoformat(moment + (zone or "+00:00").replace("Z", "+00:00"))
    return low, low + _precision(low, month, day, hour, second, fraction)


def _precision(low: datetime, month: str, day: str, hour: str, second: str, fraction: str) -> timedelta:
    if fraction:
        return timedelta(seconds=10.0 ** -(len(fraction) - 1))
    if second:
        return timedelta(seconds=1)
    if hour:
        return timedelta(minutes=1)
    if day:
        return timedelta(days=1)
    days = monthrange(low.year, low.month)[1] if month else 366 if monthrange(low.year, 2)[1] == 29 else 365
    return timedelta(days=days)


def _dates(prefix: str, held: tuple[datetime, datetime], asked: tuple[datetime, datetime]) -> bool:
    """https://hl7.org/fhir/R4/search.html#prefix, on ranges that include their start and not their end."""
    equal = asked[0] <= held[0] and held[1] <= asked[1]
    later, earlier = held[1] > asked[1], held[0] < asked[0]
    return {
        "eq": equal,
        "ne": not equal,
        "gt": later,
        "ge": later or equal,
        "lt": earlier,
        "le": earlier or equal,
        "sa": held[0] >= asked[1],
        "eb": held[1] <= asked[0],
        "ap": held[0] < asked[1] and asked[0] < held[1],
    }[prefix]
