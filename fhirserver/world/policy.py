"""The policy: how each unit is verified and what it must reach before it leaves for an EHR.

Declarative: a TOML file of rules ``[[rule]]`` with ``type``, ``unit`` (default ``*``), ``verification``
(``none``, ``machine``, ``human``), ``writeback`` (the gate, 0..1) and ``review`` (``never``, ``doubtful``,
``always``). The most specific rule counts: type and unit, then type, then ``*``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from fhirserver.world.units import member_of

VERIFICATIONS = ("none", "machine", "human")
REVIEWS = ("never", "doubtful", "always")


class InvalidPolicy(ValueError):
    """The policy file is wrong; the message names the rule and the member."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for one unit of one type."""

    type: str = "*"
    unit: str = "*"
    verification: str = "human"
    writeback: Decimal = Decimal("0.95")
    review: str = "doubtful"


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules, by (type, unit)."""

    rules: Mapping[tuple[str, str], Rule]

    def rule(self, resource_type: str, unit: str) -> Rule:
        """The rule for a unit such as ``telecom[phone|…]``."""
        member = member_of(unit)
        for key in ((resource_type, member), (resource_type, "*"), ("*", member), ("*", "*")):
            if key in self.rules:
                return self.rules[key]
        return Rule()

    def gate(self, resource_type: str, unit: str) -> Decimal:
        """The least confidence with which the unit may leave for a sink."""
        return self.rule(resource_type, unit).writeback


def parse_policy(text: str) -> Policy:
    """Read a policy file. Raises :class:`InvalidPolicy`."""
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy(f"not TOML: {error}") from None
    unknown = set(document) - {"rule"}
    if unknown:
        raise InvalidPolicy(f"unknown table '{sorted(unknown)[0]}'; the only one is [[rule]]")
    rules = [_rule(number, entry) for number, entry in enumerate(document.get("rule", ()), 1)]
    return Policy({(rule.type, rule.unit): rule for rule in rules})


def _rule(number: int, entry: dict[str, Any]) -> Rule:
    unknown = set(entry) - set(Rule.__slots__)
    if unknown:
        raise InvalidPolicy(f"rule {number}: unknown member '{sorted(unknown)[0]}'")
    rule = Rule(**{**entry, "writeback": Decimal(entry.get("writeback", "0.95"))})
    for name, value, allowed in (
        ("verification", rule.verification, VERIFICATIONS),
        ("review", rule.review, REVIEWS),
    ):
        if value not in allowed:
            raise InvalidPolicy(f"rule {number}: {name} is one of {', '.join(allowed)}")
    if not 0 <= rule.writeback <= 1:
        raise InvalidPolicy(f"rule {number}: writeback is from 0 to 1")
    return rule


@cache
def default_policy() -> Policy:
    """The shipped policy: scheduling needs 0.7; identity, coverage and clinical units need an operator."""
    return parse_policy((files("fhirserver.world") / "default_policy.toml").read_text())
