"""The typed values that a resource is found by, one tuple per search parameter and value.

``param`` is the code of the search parameter; the resource type is known from the resource. Derived
parameters carry what a modifier or a unit needs:

* ``code:text`` (a string): the display and text of a token, the display of a reference;
* ``identifier:of-type`` (a token): the type's system, and ``type code|value``;
* ``contenttype:below`` (a token): a media type without its parameters;
* ``subject:identifier`` (a token): the business identifier of a Reference;
* ``subject:version`` (a reference): to a version, its target is ``id/_history/version``;
* ``subject:contained`` (a reference): to what the resource contains, its target is ``#``, and once more ``id#local``;
* ``derived-from:canonical`` (a uri): a canonical as it stands;
* ``url:canonical`` (uris): what a canonical may say to mean the resource, ``url`` and ``url|version``;
* ``value-quantity:ucum`` (a quantity or composite): the value in the unit of its kind, where it was in another;
* ``near:latitude`` and ``near:longitude`` (numbers): degrees.

`_id` and `_lastUpdated` are no values: storages keep them.
https://hl7.org/fhir/R4/search.html#table
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

BEGIN: Final = -(2**62)
"""The low end of a date range without a start, in microseconds."""
FOREVER: Final = 2**62
"""The high end of a date range without an end, in microseconds."""
INFINITE: Final = 1.7e308
"""The ends of open number and quantity ranges (negative: the low one); finite, so any store keeps it."""


class StringValue(NamedTuple):
    """A text: ``folded`` for search, ``text`` as it stands for ``:exact``."""

    param: str
    folded: str
    text: str


class TokenValue(NamedTuple):
    """A code in a system; ``system`` "" is none. Both "": the element is there without a code."""

    param: str
    system: str
    code: str


class ReferenceValue(NamedTuple):
    """``Type`` and id of a literal reference; or ``type`` "" and the URL, urn or ``#fragment`` as target.

    A canonical with a version stands twice: as ``url`` and as ``url|version``. Both "": there is a Reference
    without a literal (see the derived parameter ``…:identifier``).
    """

    param: str
    type: str
    target: str


class DateValue(NamedTuple):
    """The moments ``low ≤ t < high`` in microseconds since 1970 UTC; open ends are BEGIN and FOREVER."""

    param: str
    low: int
    high: int


class NumberValue(NamedTuple):
    """A number as ``low = high``, or a closed range; open ends are ±INFINITE."""

    param: str
    low: float
    high: float


class QuantityValue(NamedTuple):
    """A quantity: its number, the closed range it spans (comparators, Ranges), system, code and unit."""

    param: str
    value: float
    low: float
    high: float
    system: str
    code: str
    unit: str


class UriValue(NamedTuple):
    """A uri, exactly as it stands."""

    param: str
    uri: str


SimpleValue: TypeAlias = (
    StringValue | TokenValue | ReferenceValue | DateValue | NumberValue | QuantityValue | UriValue
)


class CompositeValue(NamedTuple):
    """One tuple of component values that stand together; the parts' ``param`` is the component's code."""

    param: str
    parts: tuple[SimpleValue, ...]


IndexValue: TypeAlias = SimpleValue | CompositeValue

KINDS: Final[dict[str, type]] = {
    "string": StringValue,
    "token": TokenValue,
    "reference": ReferenceValue,
    "date": DateValue,
    "number": NumberValue,
    "quantity": QuantityValue,
    "uri": UriValue,
    "composite": CompositeValue,
}
"""The class of the values of each search parameter type."""

# Letters that NFKD leaves whole, although a person types the plain ones.
_PLAIN = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)


def fold(text: str) -> str:
    """``text`` without accents and case, white space collapsed: what string search compares."""
    return _short(text) if len(text) < 100 else _folded(text)


@lru_cache(maxsize=4096)  # the same names and displays come by several parameters, and again and again
def _short(text: str) -> str:
    return _folded(text)


def _folded(text: str) -> str:
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold().translate(_PLAIN)
        return " ".join(text.split())
    return " ".join(text.lower().split())
