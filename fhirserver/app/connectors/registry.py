"""The kinds of connectors that there are: one line each. A kind is imported when somebody first asks for it: its
adapter would cost a server without such connectors a good part of its start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from fhirserver.app.connectors.kind import Kind

if TYPE_CHECKING:
    from fhirserver.app.connectors import fhir, hl7v2, rest

    _CHECKED: tuple[Kind, ...] = (fhir, hl7v2, rest)

_NAMES: Final = ("fhir", "hl7v2", "rest")


class _Kinds(Mapping[str, Kind]):
    """Each kind by its name, which is that of its module. Names cost nothing; a kind that is looked up is imported."""

    def __getitem__(self, name: str) -> Kind:
        if name not in _NAMES:
            raise KeyError(name)
        return cast(Kind, import_module(f"fhirserver.app.connectors.{name}"))

    def __contains__(self, name: object) -> bool:
        return name in _NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


KINDS: Mapping[str, Kind] = _Kinds()
