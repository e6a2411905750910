"""``filterBy``: the backport's filter criteria, held against a topic's ``canFilterBy``.

``patient=Patient/123``, ``Encounter.patient=…``, ``Encounter?patient=…``, with modifiers and with comparators before
the value or, as R4B has them, as modifiers. https://hl7.org/fhir/uv/subscriptions-backport/components.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.matching import Condition, read_condition
from fhirserver.interactions.subscription.topic import COMPARATORS, CanFilterBy, Topic
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.kernel.queries import encode_query
from fhirserver.model.definitions import definitions

_TYPED: Final = re.compile(r"([A-Z][A-Za-z]+)([.?])(.+)\Z", re.DOTALL)
_PREFIXED: Final = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[0-9.+-])")
_ORDERED: Final = frozenset({"date", "number", "quantity"})


def filter_path(number: int) -> str:
    """Where a filter stands in a Subscription, as FHIRPath."""
    return f"Subscription.criteria.extension[{number}]"


def read_filter(context: Context, topic: Topic, text: str, at: str) -> list[Condition]:
    """The conditions in one filter, for each type of focus that it is about.

    Refuses (422) what the topic does not allow.
    """
    found = _TYPED.match(text)
    type, criteria = (found[1], found[3]) if found else ("", text)
    pairs = parse_qsl(criteria, keep_blank_values=True)
    if not pairs:
        raise refuse(Category.UNPROCESSABLE, "value", "A filter is parameter=value", at)
    by_type: dict[str, list[tuple[str, str]]] = {}
    for name, value in pairs:
        if found and found[2] == "?" and "." not in name:
            own = type
        else:
            prefix, dot, rest = name.partition(".")
            own, name = (prefix, rest) if dot and prefix in topic.resources else (type, name)
        for resource, asked in _allowed(context, topic, own, name, value, at):
            by_type.setdefault(resource, []).append(asked)
    return [read_condition(context, type, encode_query(asked), at) for type, asked in by_type.items()]


def _allowed(
    context: Context, topic: Topic, type: str, name: str, value: str, at: str
) -> Iterable[tuple[str, tuple[str, str]]]:
    """The search parameter for each type of focus that a filter is about."""
    parameter, colon, modifier = name.partition(":")
    fitting = [
        one
        for one in topic.filters
        if (one.parameter == parameter and type in ("", one.resource))
        or (one.parameter == parameter and not one.resource)
    ]
    if not fitting:
        known = ", ".join(sorted({one.parameter for one in topic.filters})) or "nothing"
        text = f"The topic cannot be filtered by {parameter[:64]}; it can by: {known}"
        raise refuse(Category.UNPROCESSABLE, "not-supported", text, at)
    for one in fitting:
        for resource in [type or one.resource] if type or one.resource else sorted(topic.resources):
            yield resource, _criterion(context, one, resource, (colon + modifier, value), at)


def _criterion(
    context: Context, one: CanFilterBy, resource: str, asked: tuple[str, str], at: str
) -> tuple[str, str]:
    modifier, value = asked
    code = _code(context, one, resource, at)
    if modifier[1:] in COMPARATORS:
        modifier, value = "", ",".join(f"{modifier[1:]}{part}" for part in value.split(","))
    ordered = context.store.parameters.current.of(resource)[code].type in _ORDERED
    used = {found[0] for part in value.split(",") if ordered and (found := _PREFIXED.match(part))}
    used |= {modifier[1:]} if modifier else set()
    refused = sorted(used - one.allowed - {"eq"}) if one.allowed else []
    if refused:
        text = f"The topic does not let {one.parameter} be filtered with '{refused[0][:32]}'"
        raise refuse(Category.UNPROCESSABLE, "not-supported", text, at)
    return f"{code}{modifier}", value


def _code(context: Context, one: CanFilterBy, resource: str, at: str) -> str:
    """The search parameter that a filter parameter means: by its definition, or else by its name."""
    if resource not in definitions().resource_types:
        raise refuse(Category.UNPROCESSABLE, "value", f"'{resource[:64]}' is not an R4 resource type", at)
    known = context.store.parameters.current.of(resource)
    defined = one.definition.partition("|")[0]
    for code, parameter in known.items():
        if defined and parameter.url == defined:
            return code
    if one.parameter in known:
        return one.parameter
    text = f"{resource} cannot be searched by {one.parameter[:64]} here, so nothing can be filtered by it"
    raise refuse(Category.UNPROCESSABLE, "not-supported", text, at)


def conditions_of(context: Context, topic: Topic, filters: Iterable[str]) -> dict[str, list[Condition]]:
    """All filters by type of focus. Raises a refusal with every issue."""
    found: dict[str, list[Condition]] = {}
    issues: list[Issue] = []
    for number, text in enumerate(filters):
        try:
            for one in read_filter(context, topic, text, filter_path(number)):
                found.setdefault(one.type, []).append(one)
        except Refusal as refusal:
            issues += refusal.issues
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
    return found
