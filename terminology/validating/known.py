"""What validating needs of the library of a request."""

from __future__ import annotations

from typing import Protocol, Self

from fhirserver.kernel.json import JsonObject
from terminology.systems import Library


class Known(Library, Protocol):
    """A library that also tells what the request asks of versions and supplements."""

    def version_for(self, url: str, version: str = "") -> str:
        """The version in which a system is meant that a value set names with ``version``: forced, named, or by
        default; empty where any will do."""
        ...

    def checked_version(self, url: str) -> str:
        """The version that the request requires (``check-system-version``), or an empty text."""
        ...

    def is_checked(self, url: str, version: str) -> bool:
        """Whether a version that is used is one that the request allows."""
        ...

    def value_set_meant(self, canonical: str) -> str:
        """The canonical with the version that the request asks for where it names none."""
        ...

    def code_system(self, canonical: str) -> JsonObject | None:
        """The CodeSystem resource, whether its codes are here or not: also one that is a supplement."""
        ...

    def with_supplements(self, value_set: JsonObject) -> Self:
        """This one, with the supplements that a value set needs in use as well."""
        ...

    def missing_supplements(self) -> list[str]:
        """The supplements that are asked for and not known here."""
        ...
