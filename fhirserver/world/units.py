"""Units: the parts of a resource on which sources agree or differ.

A unit is one top-level element (a choice by its ``value[x]`` name, a primitive together with its
``_sibling``), or one item of a repeating Identifier, ContactPoint, HumanName, Address or Extension, found
by its business key. Other repeating elements are one unit as a whole.

The value of a unit is JSON: for a top-level element the object of its members, for keyed items the list
of the items that share the key (nearly always one).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from fhirserver.kernel.json import Json, JsonObject, canonical, dumps
from fhirserver.model.definitions import definitions

Units = dict[str, Json]

SERVER_MEMBERS = frozenset({"resourceType", "id"})


def _fold(value: Json) -> str:
    text = str(value or "")
    if text.isascii():
        return " ".join(text.lower().split())
    stripped = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in stripped if not unicodedata.combining(c)).casefold().split())


def _identifier_key(item: JsonObject) -> str:
    return f"{item.get('system', '')}|{item.get('value', '')}"


def normal_phone(text: str) -> str:
    """E.164-like: digits with ``+``; ten digits are taken as North American."""
    digits = re.sub(r"\D", "", text)
    if text.strip().startswith("+"):
        return f"+{digits}"
    if len(digits) == 10:
        return f"+1{digits}"
    return f"+{digits}" if len(digits) == 11 and digits.startswith("1") else digits


def _telecom_key(item: JsonObject) -> str:
    system, value = item.get("system", ""), str(item.get("value", ""))
    if system in ("phone", "fax", "sms", "pager"):
        return f"{system}|{normal_phone(value)}"
    return f"{system}|{_fold(value)}"


def _name_key(item: JsonObject) -> str:
    family = item.get("family") or ("" if item.get("given") else item.get("text"))
    return "|".join(
        (str(item.get("use", "")), _fold(family), _fold(" ".join(map(str, item.get("given") or ()))))
    )


def _address_key(item: JsonObject) -> str:
    lines = " ".join(map(str, item.get("line") or ())) or item.get("text")
    return "|".join((str(item.get("use", "")), _fold(lines), _fold(item.get("postalCode"))))


def _extension_key(item: JsonObject) -> str:
    return str(item.get("url", ""))


_KEYS: dict[str, Callable[[JsonObject], str]] = {
    "Identifier": _identifier_key,
    "ContactPoint": _telecom_key,
    "HumanName": _name_key,
    "Address": _address_key,
    "Extension": _extension_key,
}


@lru_cache(1024)
def _keyed(resource_type: str) -> dict[str, Callable[[JsonObject], str]]:
    """The repeating members of a type whose items have a business key."""
    found = definitions().type(resource_type)
    if found is None:
        return {}
    return {
        name: _KEYS[element.type]
        for name, element in found.elements.items()
        if element.is_list and element.type in _KEYS
    }


@lru_cache(8192)
@lru_cache(8192)
def unit_of_member(resource_type: str, member: str) -> str:
    """The unit of a JSON member: ``_birthDate`` → ``birthDate``, ``valueCode`` → ``value[x]``."""
    name = member.removeprefix("_")
    found = definitions().type(resource_type)
    element = found.elements.get(name) if found else None
    return element.choice or name if element else name


def split(resource_type: str, content: JsonObject) -> Units:
    """Take a resource apart into its units: ``meta`` first, as it is rendered, the others as they come."""
    keyed = _keyed(resource_type)
    units: Units = {"meta": {"meta": content["meta"]}} if "meta" in content else {}
    for member, value in content.items():
        if member in keyed and isinstance(value, list):
            _split_items(units, member, keyed[member], value)
        elif member not in SERVER_MEMBERS:
            units.setdefault(unit_of_member(resource_type, member), {})[member] = value
    return units


def _split_items(
    units: Units, member: str, key_of: Callable[[JsonObject], str], items: list[JsonObject]
) -> None:
    """One unit per key. A key that comes again after others starts a run of its own, to keep the order."""
    last, unit = None, ""
    for item in items:
        key = key_of(item)
        if key != last:
            last, unit = key, _free(units, f"{member}[{key}]")
            units[unit] = []
        units[unit].append(item)


def _free(units: Units, unit: str) -> str:
    if unit not in units:
        return unit
    run = 2
    while f"{unit}#{run}" in units:
        run += 1
    return f"{unit}#{run}"


def member_of(unit: str) -> str:
    """``telecom`` of ``telecom[phone|…]``; the unit itself otherwise. Holds no value, so it may be shown."""
    head, _, key = unit.partition("[")
    return unit if key == "x]" and head not in ("extension", "modifierExtension") else head


def units_of_items(units: Units, member: str) -> list[str]:
    """The unit of each item of a repeating element whose items are units; none for other elements."""
    return [
        unit
        for unit, value in units.items()
        if isinstance(value, list) and member_of(unit) == member
        for _ in value
    ]


def ordered(units: Units) -> Units:
    """The units in the order in which :func:`split` finds them in the joined content."""
    members: dict[str, list[str]] = {"meta": []}
    for unit in units:
        members.setdefault(member_of(unit), []).append(unit)
    return {unit: units[unit] for member in members.values() for unit in member}


def same_order(one: Units, other: Units) -> bool:
    """Whether the items of each repeating element stand in the same order."""
    return list(one) == list(other) or _orders(one) == _orders(other)


def moved_members(one: Units, other: Units) -> list[str]:
    """The repeating elements whose items stand in another order."""
    orders, others = _orders(one), _orders(other)
    return [member for member in orders if orders[member] != others.get(member, [])]


def restated(units: Units, said: Units) -> Units:
    """The units after a partial statement that leaves out what is not in ``said``: the old order, then what is new."""
    return ordered({unit: value for unit, value in units.items() if unit in said} | said)


def _orders(units: Units) -> dict[str, list[str]]:
    orders: dict[str, list[str]] = {}
    for unit, value in units.items():
        if isinstance(value, list):
            orders.setdefault(member_of(unit), []).append(unit)
    return orders


def join(units: Units) -> JsonObject:
    """Put units together again (without ``resourceType`` and ``id``)."""
    content: JsonObject = {}
    for unit, value in units.items():
        if type(value) is not list:
            content.update(value)
        elif (member := unit[: unit.index("[")]) in content:
            content[member].extend(value)
        else:
            content[member] = [*value]
    return content


def same(one: Json, other: Json) -> bool:
    """Equality that minds a decimal's precision and does not mind the order of members."""
    if one is other:
        return True
    return bool(one == other) and (dumps(one) == dumps(other) or canonical(one) == canonical(other))
