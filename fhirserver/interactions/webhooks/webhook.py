"""A webhook as it is kept, and the secrets by which it is signed.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace

from fhirserver.access.server_key import ServerKey
from fhirserver.interactions.events.event import Filter
from fhirserver.kernel.json import JsonObject

ACTIVE, PAUSED, DISABLED = "active", "paused", "disabled"
_PURPOSE = "signatures of a webhook"


@dataclass(frozen=True, slots=True)
class Webhook:
    """``condition`` is FHIRPath, asked of the version that an event is about; empty: all are sent.

    ``status`` is :data:`ACTIVE`, :data:`PAUSED` (by somebody) or :data:`DISABLED` (by the server, which says why in
    ``reason``). ``generation`` counts the secrets; the one before is still signed with until ``overlap`` (an instant).
    ``begins`` is the place in the log behind which it is told. ``revision`` is that of the record.
    """

    id: str
    url: str
    filter: Filter = field(default_factory=Filter)
    condition: str = ""
    description: str = ""
    status: str = ACTIVE
    reason: str = ""
    generation: int = 1
    overlap: str = ""
    begins: str = ""
    created: str = ""
    by: str = ""
    revision: int = 0

    def as_json(self) -> JsonObject:
        """How it is kept."""
        return {
            "url": self.url,
            "types": sorted(self.filter.types),
            "resources": sorted(self.filter.resources),
            "condition": self.condition,
            "description": self.description,
            "status": self.status,
            "reason": self.reason,
            "generation": self.generation,
            "overlap": self.overlap,
            "begins": self.begins,
            "created": self.created,
            "by": self.by,
        }

    @property
    def generations(self) -> tuple[int, ...]:
        """Of the secrets there are, the newest first."""
        return (self.generation, self.generation - 1) if self.overlap else (self.generation,)

    def at(self, now: str) -> Webhook:
        """As it is at an instant: without an overlap that is over."""
        return replace(self, overlap="") if self.overlap and self.overlap <= now else self


def webhook_of(id: str, kept: JsonObject, revision: int) -> Webhook:
    """What :meth:`Webhook.as_json` gave."""
    given = {name: kept[name] for name in kept if name not in ("types", "resources")}
    wanted = Filter(frozenset(kept["types"]), frozenset(kept["resources"]))
    return Webhook(id=id, filter=wanted, revision=revision, **given)


def secret_of(key: ServerKey, id: str, generation: int) -> str:
    """The secret as its owner is shown it: ``whsec_`` and base64, as the standard has it."""
    return _shown(key.derive(_PURPOSE, id, str(generation)))


def secrets_of(key: ServerKey, webhook: Webhook) -> tuple[bytes, ...]:
    """All that are signed with now: of the generations there are, and of the server's keys that still count."""
    return tuple(
        one
        for generation in webhook.generations
        for one in key.derive_all(_PURPOSE, webhook.id, str(generation))
    )


def _shown(secret: bytes) -> str:
    return "whsec_" + base64.b64encode(secret).decode()
