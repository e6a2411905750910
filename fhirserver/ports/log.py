"""What the log holds. One command makes one commit; the commit's append is the commit point."""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject

_MEMBERS = (
    *("principal", "confidence", "method", "mode", "effective", "activity", "more"),
    *("client", "grant", "scope"),
)


@frozen
class Statement:
    """Who said it, how, and how surely: what an ``X-Provenance`` header and a principal make together.

    ``confidence`` is 0..1 or None for the source's own base; ``mode`` is ``full``, ``partial`` or empty for
    what the interaction implies; ``effective`` is an ISO instant or empty; ``agent`` and ``entity`` are
    Provenance.agent and Provenance.entity; ``more`` are its elements that only the Provenance itself has:
    policy, location, reason, signature. ``again`` are resources (``Type/id``) of which it says what it said before,
    as far as no event of the command is about them: a repetition is evidence too. ``client`` and ``grant`` are the app
    that said it and its authorization, ``scope`` what its token was for where it may make what works on without it.
    """

    source: str
    principal: str = ""
    confidence: Decimal | None = None
    method: str = ""
    mode: str = ""
    effective: str = ""
    agent: tuple[JsonObject, ...] = ()
    entity: tuple[JsonObject, ...] = ()
    activity: JsonObject | None = None
    more: JsonObject | None = None
    again: tuple[str, ...] = ()
    client: str = ""
    grant: str = ""
    scope: str = ""

    def as_json(self) -> JsonObject:
        """The members that are set."""
        json: JsonObject = {"source": self.source}
        for name in _MEMBERS:
            value = getattr(self, name)
            if value is not None and value != "":
                json[name] = value
        if self.agent:
            json["agent"] = list(self.agent)
        if self.entity:
            json["entity"] = list(self.entity)
        if self.again:
            json["again"] = list(self.again)
        return json

    @staticmethod
    def from_json(json: JsonObject) -> Statement:
        confidence = json.get("confidence")
        return Statement(
            source=json["source"],
            principal=json.get("principal", ""),
            confidence=None if confidence is None else Decimal(confidence),
            method=json.get("method", ""),
            mode=json.get("mode", ""),
            effective=json.get("effective", ""),
            agent=tuple(json.get("agent", ())),
            entity=tuple(json.get("entity", ())),
            activity=json.get("activity"),
            more=json.get("more"),
            again=tuple(json.get("again", ())),
            client=json.get("client", ""),
            grant=json.get("grant", ""),
            scope=json.get("scope", ""),
        )


@frozen
class Commit:
    """One atomic entry of the log.

    ``position`` counts from 1 without gaps; ``serial`` is how many resources the tenant has ever created,
    this commit included; ``events`` are JSON objects whose ``e`` names the kind (see ``docs/log.md``).
    """

    position: int
    id: str
    recorded: str
    serial: int
    statement: Statement
    events: tuple[JsonObject, ...] = field(default=())

    def as_json(self) -> JsonObject:
        return {
            "position": self.position,
            "id": self.id,
            "recorded": self.recorded,
            "serial": self.serial,
            "statement": self.statement.as_json(),
            "events": list(self.events),
        }

    @staticmethod
    def from_json(json: JsonObject) -> Commit:
        return Commit(
            position=json["position"],
            id=json["id"],
            recorded=json["recorded"],
            serial=json["serial"],
            statement=Statement.from_json(json["statement"]),
            events=tuple(json["events"]),
        )


class LostRace(Exception):
    """Somebody else appended first: decide again on the new state."""
