"""Parameters resources, in and out. https://hl7.org/fhir/R4/parameters.html"""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.interactions.exchange import Request
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Category, refuse


def part(name: str, type: str, value: Json) -> JsonObject:
    """One parameter with a value, such as ``part("path", "String", "Patient.name")``."""
    return {"name": name, f"value{type}": value}


def group(name: str, parts: Iterable[JsonObject | None]) -> JsonObject:
    """One parameter with parts; None among them is left out."""
    return {"name": name, "part": [one for one in parts if one is not None]}


def parameters(of: Iterable[JsonObject]) -> bytes:
    """An encoded Parameters resource."""
    given = list(of)
    return dumps({"resourceType": "Parameters", **({"parameter": given} if given else {})})


def inputs(request: Request) -> dict[str, list[Json]]:
    """The input parameters by name, from the URL and the body. Values are bare; parts are JSON objects."""
    found: dict[str, list[Json]] = {}
    for name, value in request.params:
        found.setdefault(name, []).append(value)
    if request.body:
        for name, values in named_values(request.json()).items():
            found.setdefault(name, []).extend(values)
    return found


def named_values(body: JsonObject) -> dict[str, list[Json]]:
    """The parameters of a Parameters resource by name."""
    found: dict[str, list[Json]] = {}
    for parameter in body.get("parameter", ()):
        found.setdefault(str(parameter.get("name", "")), []).append(_value(parameter))
    return found


def _value(parameter: JsonObject) -> Json:
    for name, value in parameter.items():
        if name.startswith("value"):
            return value
    return parameter.get("resource", parameter)


def one(found: dict[str, list[Json]], name: str, required: bool = False) -> Json:
    """The only value of an input, or None. Refuses several, and a missing one that is required (400)."""
    values = found.get(name, [])
    if len(values) > 1:
        raise refuse(
            Category.INVALID,
            "invalid",
            f"'{name}' may be given once",
            f"Parameters.parameter.where(name='{name}')",
        )
    if required and not values:
        raise refuse(
            Category.INVALID, "required", f"'{name}' is needed", f"Parameters.parameter.where(name='{name}')"
        )
    return values[0] if values else None


def flag(found: dict[str, list[Json]], name: str) -> bool:
    """A boolean input; false without. Refuses (400) what is none."""
    value = one(found, name)
    if value in (None, "false", False):
        return False
    if value in ("true", True):
        return True
    raise refuse(Category.INVALID, "value", f"{name} is true or false", f"http.{name}")
