"""Where in a resource a search parameter of R4 looks for references to a type, and whether one is plainly there."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from fhirserver.model.definitions import definitions
from fhirserver.model.definitions.unions import operands
from fhirserver.search.expression import Expression, Or, ReferenceIs


@lru_cache(maxsize=2048)
def elements_of(type: str, param: str, target: str) -> frozenset[str]:
    """The elements, such as ``Observation.subject``, that a parameter looks at for references to a type of target."""
    parameter = definitions().search_parameters(type).get(param)
    if parameter is None or parameter.type != "reference" or not parameter.expression:
        return frozenset({f"{type}?{param}"})
    only = f".where(resolve() is {target})"
    return frozenset(one.removesuffix(only) for one in operands(parameter.expression))


class _Reference(msgspec.Struct, gc=False):
    reference: str = ""


class Glance:
    """Sees in the JSON of a resource, without reading the rest, that one of a few elements is a reference to a target.

    What it does not see may be so all the same: written as a URL, in a deeper element, by what was merged.
    """

    def __init__(self, elements: frozenset[str], target: str):
        kind: Any = _Reference | list[_Reference] | None
        self._fields = [f"of_{number}" for number in range(len(elements))]
        named = {
            field: msgspec.field(name=name, default=None)
            for field, name in zip(self._fields, sorted(elements), strict=True)
        }
        made = msgspec.defstruct(
            "Glimpse", [(field, kind, member) for field, member in named.items()], gc=False
        )
        self._decoder, self._target = msgspec.json.Decoder(made), target

    def sees(self, content: bytes) -> bool:
        """Whether it is there for certain."""
        try:
            seen = self._decoder.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        target = self._target
        for field in self._fields:
            value = getattr(seen, field)
            if value.__class__ is _Reference:
                if value.reference == target:
                    return True
            elif value and target in [one.reference for one in value]:
                return True
        return False


@lru_cache(maxsize=4096)
def glance(type: str, where: Expression) -> Glance | None:
    """What suffices to see that the references which ``where`` asks for are there; None where it asks for more."""
    either = where.of if isinstance(where, Or) else (where,)
    asked = [one for one in either if isinstance(one, ReferenceIs) and one.type]
    targets = {f"{one.type}/{one.target}" for one in asked}
    if len(asked) != len(either) or len(targets) != 1:
        return None
    paths = frozenset[str]().union(*(elements_of(type, one.param, str(one.type)) for one in asked))
    plain = {path.removeprefix(f"{type}.") for path in paths if path.startswith(f"{type}.")}
    names = frozenset(name for name in plain if name.isidentifier())
    return Glance(names, next(iter(targets))) if names else None
