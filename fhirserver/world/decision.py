"""What reviewers, judges and the policy decided about a claim."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fhirserver.kernel.json import JsonObject


@dataclass(frozen=True, slots=True)
class Decision:
    """A reviewer's or judge's word on a claim, what the policy makes of it, or a statement made over others.

    ``kind``: ``approve``, ``reject``, ``verify``, ``doubt``, ``supersede`` or ``undo``; by the policy ``cap`` (the
    source's word counts for at most ``confidence``), ``decay`` (the claim does, by its age) and ``renew`` (its source
    said it again). The claim is ``source``'s on ``unit`` as stamped at ``claim``; ``against`` are the claims (source,
    position) it supersedes. ``by`` is the source that decided, ``principal`` who that was; an undo takes back what
    was decided at ``undoes``.
    """

    kind: str
    unit: str
    source: str
    claim: int
    position: int
    by: str = ""
    at: str = ""
    confidence: Decimal | None = None
    against: tuple[tuple[str, int], ...] = ()
    reason: str = ""
    principal: str = ""
    undoes: int = 0

    def as_json(self) -> JsonObject:
        json: JsonObject = {
            "kind": self.kind,
            "unit": self.unit,
            "source": self.source,
            "claim": self.claim,
            "position": self.position,
        }
        for name in ("by", "at", "confidence", "reason", "principal", "undoes"):
            if getattr(self, name):
                json[name] = getattr(self, name)
        if self.against:
            json["against"] = [list(pair) for pair in self.against]
        return json

    @staticmethod
    def from_json(json: JsonObject) -> Decision:
        against = tuple((source, position) for source, position in json.get("against", ()))
        confidence = json.get("confidence")
        return Decision(
            **{
                **json,
                "against": against,
                "confidence": None if confidence is None else Decimal(confidence),
            }
        )
