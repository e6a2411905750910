"""Code maps of a mapping file: the vendor's codes to FHIR's, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fhirserver.kernel.json import Json

ANY_OTHER = "*"


@dataclass(frozen=True, slots=True)
class CodeMap:
    """One map. A code that it does not have is passed on, unless it has ``*``."""

    into: Mapping[str, Json]
    out: Mapping[str, Json]

    def inward(self, value: Json) -> Json:
        return _look_up(self.into, value)

    def outward(self, value: Json) -> Json:
        return _look_up(self.out, value)


def _look_up(codes: Mapping[str, Json], value: Json) -> Json:
    if value is None or value == "":
        return None
    key = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return codes.get(key, codes.get(ANY_OTHER, value))


def make_code_map(into: Mapping[str, Json], out: Mapping[str, Json] | None) -> CodeMap:
    """The way out is the way in turned round where it is not stated; of several the first counts."""
    if out is None:
        turned: dict[str, Json] = {}
        for vendor, code in into.items():
            if vendor != ANY_OTHER:
                turned.setdefault(str(code), vendor)
        out = turned
    return CodeMap(into, out)
