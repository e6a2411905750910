"""What an expression works on: JSON values with the name of their type.

A collection is a list of :class:`Typed`. FHIR types have their FHIR name (``code``, ``HumanName``,
``Patient.contact``), what an expression computes has a System name (``System.Boolean``). Dates and times
stay ISO text and quantities stay JSON objects whichever namespace they belong to.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from fhirserver.kernel.json import Json
from fhirserver.model.fhirpath.errors import FhirPathError


class Typed(NamedTuple):
    """A value and the name of its type."""

    value: Json
    type: str


class Extended(Typed):
    """A primitive that has a ``_sibling`` (id or extensions); its own value may be None."""

    sibling: dict[str, Json]


Items: TypeAlias = list[Typed]
TERMINOLOGIES: Final = Typed("%terminologies", "System.Terminologies")
"""The terminology service, of which expressions may ask."""

BOOLEAN, STRING, INTEGER, DECIMAL = "System.Boolean", "System.String", "System.Integer", "System.Decimal"
DATE, DATETIME, TIME, QUANTITY = "System.Date", "System.DateTime", "System.Time", "System.Quantity"
TYPE_INFO = "System.TypeInfo"

TRUE: Items = [Typed(True, BOOLEAN)]
FALSE: Items = [Typed(False, BOOLEAN)]
NOTHING: Items = []

_STRINGS = (
    "string",
    "code",
    "id",
    "uri",
    "url",
    "canonical",
    "oid",
    "uuid",
    "markdown",
    "base64Binary",
    "xhtml",
)
_KINDS = {
    **dict.fromkeys(_STRINGS, STRING),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), INTEGER),
    **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity"), QUANTITY),
    "MoneyQuantity": QUANTITY,
    "boolean": BOOLEAN,
    "decimal": DECIMAL,
    "date": DATE,
    "dateTime": DATETIME,
    "instant": DATETIME,
    "time": TIME,
    **{name: name for name in (BOOLEAN, STRING, INTEGER, DECIMAL, DATE, DATETIME, TIME, QUANTITY)},
}
system_type: Callable[[str], str | None] = _KINDS.get
"""The System type that a FHIR type converts to implicitly; None for complex types.

https://hl7.org/fhir/R4/fhirpath.html#types
"""

_PYTHON: dict[str, tuple[type, ...]] = {
    BOOLEAN: (bool,),
    INTEGER: (int,),
    DECIMAL: (int, Decimal),
    QUANTITY: (dict,),
}


def kind(item: Typed) -> str | None:
    """The System type of ``item``'s value; None for complex values and for primitives without a value."""
    found = system_type(item.type)
    if found is None or item.value is None:
        return None
    return found if isinstance(item.value, _PYTHON.get(found, (str,))) else None


def boolean(value: bool | None) -> Items:
    """A three-valued truth as a collection."""
    if value is None:
        return []
    return TRUE if value else FALSE


def integer(value: int) -> Items:
    """An Integer; empty when it does not fit 32 bits."""
    return [Typed(value, INTEGER)] if -(2**31) <= value < 2**31 else []


def string(value: str) -> Items:
    return [Typed(value, STRING)]


def single(items: Items) -> Typed | None:
    """The one item of a collection, None of an empty one. Raises when there are more."""
    if len(items) > 1:
        raise FhirPathError("expected a single item, found several")
    return items[0] if items else None


def truth(items: Items) -> bool | None:
    """A collection as a condition: a Boolean itself, any other single item is true."""
    if not items:
        return None
    if len(items) > 1:
        raise FhirPathError("expected a single Boolean, found several items")
    item = items[0]
    return item.value if item.value.__class__ is bool else True


def single_of(items: Items, system: str) -> Json:
    """The value of a single item that must be of a System type (an Integer may stand for a Decimal)."""
    item = single(items)
    if item is None:
        return None
    found = kind(item)
    if found == system or (found == INTEGER and system == DECIMAL):
        return item.value
    if item.value is None and system_type(item.type) is not None:
        return None
    raise FhirPathError(f"expected {system.removeprefix('System.')}, found {item.type}")


def single_string(items: Items) -> str | None:
    found: str | None = single_of(items, STRING)
    return found


def single_integer(items: Items) -> int | None:
    found: int | None = single_of(items, INTEGER)
    return found
