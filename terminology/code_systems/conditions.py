"""One ``ValueSet.compose.include.filter``, read. https://hl7.org/fhir/R4/valueset-filter-operator.html"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fhirserver.kernel import effort
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse

CODES = frozenset({"concept", "code"})
"""Names under which a filter means the concept itself."""
HIERARCHICAL = frozenset(
    {
        "is-a",
        "descendent-of",
        "is-not-a",
        "generalizes",
        "child-of",
        "descendent-leaf",
    }  # the last two are R5's
)
OPERATORS = HIERARCHICAL | {"=", "in", "not-in", "regex", "exists"}
_LONGEST_LIST = 100_000


@dataclass(frozen=True)
class Filter:
    """What a filter says; ``values`` are those of ``in`` and ``not-in``."""

    name: str
    op: str
    value: str

    @cached_property
    def values(self) -> frozenset[str]:
        return frozenset(one.strip() for one in self.value.split(","))

    @property
    def wants(self) -> bool:
        """The value of ``exists``."""
        return self.value == "true"


def read_filter(condition: JsonObject) -> Filter:
    """The filter with its operator, also where that is one of R5's in an extension, as R4 has to carry it.

    Refuses (``invalid``) one without property, operator or value, and a value that its operator cannot have.
    """
    effort.check()
    name, value = str(condition.get("property") or ""), str(condition.get("value") or "")
    op = _operator(condition)
    for member, text in (("property", name), ("op", op), ("value", value)):
        if not text:
            raise refuse(Category.UNPROCESSABLE, "invalid", f"A filter of the value set has no {member}")
    if op == "exists" and value not in ("true", "false"):
        raise refuse(Category.UNPROCESSABLE, "invalid", "The value of a filter with exists is true or false")
    if op in ("in", "not-in") and value.count(",") >= _LONGEST_LIST:
        raise refuse(Category.UNPROCESSABLE, "too-costly", f"A filter lists over {_LONGEST_LIST} codes")
    return Filter(name, op, value)


def _operator(condition: JsonObject) -> str:
    for extension in (condition.get("_op") or {}).get("extension", ()):
        if str(extension.get("url", "")).endswith("filter.op"):
            return str(extension.get("valueCode") or "")
    return str(condition.get("op") or "")
