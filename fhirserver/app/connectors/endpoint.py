"""A connector as an Endpoint: https://hl7.org/fhir/R4/endpoint.html

The identifier of the system ``…/identifier/connector`` is its name, ``status`` whether it runs (``active``), pauses
(``suspended``) or not (any other), ``address`` its ``url``, and the extension ``…/StructureDefinition/connector`` has
the rest: ``kind``, ``source``, and ``setting``s of a ``name`` and a ``value``, several for a list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from fhirserver.app.connectors.connector import COMMON
from fhirserver.app.connectors.registry import KINDS
from fhirserver.app.setting_kinds import WrongSetting
from fhirserver.kernel.ids import derived_id, is_id
from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import BASE, CONNECTOR, CONNECTOR_NAME

_PAYLOAD: Final = {"system": "http://terminology.hl7.org/CodeSystem/endpoint-payload-type", "code": "any"}
_CONNECTION: Final = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
_CONNECTIONS: Final = {"fhir": (_CONNECTION, "hl7-fhir-rest"), "hl7v2": (_CONNECTION, "hl7v2-mllp")}
_NOWHERE: Final = "urn:credence:connector"
"""The address of a kind that has no url."""
SETTINGS, RESOURCE = "settings", "resource"
_PLACE: Final = "Endpoint.extension"


@dataclass(frozen=True, slots=True)
class Entry:
    """An Endpoint as the table of a connector. ``places`` says where each setting stands, as FHIRPath."""

    table: Mapping[str, Any]
    places: Mapping[str, str]
    origin: str = RESOURCE

    def place(self, setting: str) -> str:
        """Where a setting stands, or would stand."""
        return self.places.get(setting, self.places[""])


def is_connector(endpoint: Mapping[str, Any]) -> bool:
    """Whether the Endpoint says that it is one."""
    return _extension(endpoint) is not None


def name_of(endpoint: Mapping[str, Any]) -> str:
    """The name of the connector that an Endpoint is; empty for none."""
    if not is_connector(endpoint):
        return ""
    named = (one for one in endpoint.get("identifier", ()) if one.get("system") == CONNECTOR_NAME)
    return next((str(one.get("value", "")) for one in named), "")


def endpoint_id(name: str) -> str:
    """The id of the Endpoint of a connector of the settings."""
    return name if is_id(name) else derived_id("connector", name)


def read_endpoint(endpoint: Mapping[str, Any]) -> Entry:
    """The table of an Endpoint that :func:`is_connector`. Raises :class:`WrongSetting`, with a place as its setting."""
    at, extension = _extension(endpoint) or (0, {})
    here = f"{_PLACE}[{at}]"
    table: dict[str, Any] = {"name": name_of(endpoint)}
    places = {"": here, "name": "Endpoint.identifier", "url": "Endpoint.address"}
    origin = RESOURCE
    lists = _lists(extension)
    for number, part in enumerate(extension.get("extension", ())):
        place, url = f"{here}.extension[{number}]", part.get("url")
        if url in ("kind", "source", "origin"):
            value = str(_value(part, f"{place}.value"))
            origin = value if url == "origin" else origin
            table, places = {**table, url: value}, {**places, url: f"{place}.value"}
        elif url == "setting":
            name, value = _setting(part, place, lists)
            table[name], places[name] = value, place
        else:
            raise WrongSetting(f"{place}.url", "a part is kind, source or setting")
    table.pop("origin", None)
    kind = KINDS.get(str(table.get("kind", "")))
    if kind is not None and "url" in kind.SETTINGS:
        table["url"] = str(endpoint.get("address", ""))
    _refuse_clear(table, Entry(table, places))
    return Entry(table, places, origin)


def _refuse_clear(table: Mapping[str, Any], entry: Entry) -> None:
    """What is secret, and paths of this machine, stand in no resource."""
    kind = KINDS.get(str(table.get("kind", "")))
    for name in sorted(set(table) & kind.CLEAR) if kind is not None else ():
        text = f"'{name}' may stand in the settings file only; a secret is referred to by its name ({name}_secret)"
        raise WrongSetting(entry.place(name), text)


def _extension(endpoint: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]] | None:
    for number, one in enumerate(endpoint.get("extension", ())):
        if one.get("url") == CONNECTOR:
            return number, one
    return None


def _setting(part: Mapping[str, Any], place: str, lists: Collection[str]) -> tuple[str, Any]:
    """A setting's name and value; a list where it is one."""
    inner = [one for one in part.get("extension", ()) if one.get("url") in ("name", "value")]
    names = [one for one in inner if one["url"] == "name"]
    values = [_value(one, place) for one in inner if one["url"] == "value"]
    if len(names) != 1 or len(inner) != len(part.get("extension", ())) or not values:
        raise WrongSetting(
            place, "a setting has one 'name' and a 'value', several for a list, and nothing else"
        )
    name = str(_value(names[0], place))
    if name in ("name", "source", "kind", "url"):
        raise WrongSetting(place, f"'{name}' has an element of its own")
    return name, values if name in lists else values[0] if len(values) == 1 else values


def _lists(extension: Mapping[str, Any]) -> Collection[str]:
    """The settings that are lists, for a connector of the kind that the extension says, wherever it says so."""
    parts = extension.get("extension", ())
    named = (one for one in parts if one.get("url") == "kind")
    kind = KINDS.get(str(next((value for one in named for name, value in one.items() if name != "url"), "")))
    known = {**COMMON, **(kind.SETTINGS if kind is not None else {})}
    return {name for name, (type, _) in known.items() if type is list}


def _value(extension: Mapping[str, Any], place: str) -> Any:
    for name in ("valueString", "valueCode", "valueUri", "valueBoolean", "valueInteger", "valueDecimal"):
        if name in extension:
            return extension[name]
    raise WrongSetting(place, "the value is a string, code, uri, boolean, integer or decimal")


def write_endpoint(table: Mapping[str, Any], status: str) -> JsonObject:
    """The Endpoint of a table of the settings, without what is secret."""
    name, kind = str(table["name"]), str(table.get("kind", "fhir"))
    system, code = _CONNECTIONS.get(kind, (f"{BASE}/CodeSystem/connector-kind", kind))
    hidden = KINDS[kind].CLEAR | {"name", "source", "kind", "url"}
    parts: list[JsonObject] = [
        {"url": "kind", "valueCode": kind},
        {"url": "source", "valueString": str(table["source"])},
        {"url": "origin", "valueCode": SETTINGS},
        *(_written(name, value) for name, value in table.items() if name not in hidden),
    ]
    return {
        "resourceType": "Endpoint",
        "id": endpoint_id(name),
        "extension": [{"url": CONNECTOR, "extension": parts}],
        "identifier": [{"system": CONNECTOR_NAME, "value": name}],
        "status": status,
        "connectionType": {"system": system, "code": code},
        "name": name,
        "payloadType": [{"coding": [dict(_PAYLOAD)]}],
        "address": str(table.get("url") or _NOWHERE),
    }


def _written(name: str, value: Any) -> JsonObject:
    values: list[Any] = value if isinstance(value, list) else [value]
    return {
        "url": "setting",
        "extension": [{"url": "name", "valueString": name}, *map(_typed, values)],
    }


def _typed(value: Any) -> JsonObject:
    kind = {bool: "Boolean", int: "Integer", Decimal: "Decimal"}.get(type(value), "String")
    return {"url": "value", f"value{kind}": value}
