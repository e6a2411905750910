"""What a request asks of the terminology that it is answered with.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fhirserver.kernel.json import JsonObject


@dataclass(frozen=True, slots=True)
class Asked:
    """``resources`` are those of ``tx-resource``. With ``cache`` (``cache-id``), they are kept for later requests of
    the same ``principal`` with the same id; ``kept`` is what is kept so, as :class:`KeptResources` hands it to the
    terminology. The maps are from url to version: of code systems, and
    (``value_sets``: ``default-valueset-version``) of value sets. ``supplements`` are canonicals (``useSupplement``)."""

    resources: tuple[JsonObject, ...] = ()
    cache: str = ""
    principal: str = ""
    system_version: Mapping[str, str] = field(default_factory=dict)
    check_system_version: Mapping[str, str] = field(default_factory=dict)
    force_system_version: Mapping[str, str] = field(default_factory=dict)
    value_sets: Mapping[str, str] = field(default_factory=dict)
    supplements: tuple[str, ...] = ()
    kept: object = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked for: what the server holds, as it is."""
        return not (
            self.resources
            or self.cache
            or self.system_version
            or self.check_system_version
            or self.force_system_version
            or self.value_sets
            or self.supplements
        )


PLAIN = Asked()


class KeptResources(Protocol):
    """What clients brought along and have kept under a ``cache-id``: the same for all processes that serve together."""

    async def with_kept(self, asked: Asked) -> Asked:
        """With what is kept under its ``cache``, to which its resources are added. Refuses what is too much to be kept
        (422), and what cannot be kept because others change it all the time (503)."""
        ...
