"""The parameters of ``$expand``, from the request or from the value set itself.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from terminology.expanding.languages import Languages
from terminology.expanding.overloading import stated

_LANGUAGES = "urn:ietf:bcp:47"
_ECHOED: Mapping[str, str] = {
    "filter": "String",
    "date": "DateTime",
    "context": "Uri",
    "contextDirection": "Code",
    "offset": "Integer",
    "count": "Integer",
    "includeDesignations": "Boolean",
    "designation": "String",
    "includeDefinition": "Boolean",
    "activeOnly": "Boolean",
    "excludeNested": "Boolean",
    "excludeNotForUI": "Boolean",
    "excludePostCoordinated": "Boolean",
    "displayLanguage": "Code",
    "limitedExpansion": "Boolean",
    "exclude-system": "Uri",
    "system-version": "Uri",
    "check-system-version": "Uri",
    "force-system-version": "Uri",
    "default-valueset-version": "Uri",
}
"""What is told again in ``expansion.parameter``, with the type of its value."""
VERSIONS_OF_SYSTEMS = frozenset({"system-version", "check-system-version", "force-system-version"})
_LONGEST_FILTER = 1000
ANY_LANGUAGE = Languages()


@dataclass(frozen=True, slots=True)
class Options:
    """What is wanted of an expansion. ``count`` is None where no page is asked for."""

    text: str = ""
    offset: int = 0
    count: int | None = None
    has_offset: bool = False
    designations: bool = False
    uses: frozenset[str] = frozenset()
    """Languages, and ``system|code`` of uses; empty for all."""
    definition: bool = False
    active_only: bool = False
    nested: bool = True
    for_ui: bool = False
    limited: bool = False
    excluded: frozenset[str] = frozenset()
    """Urls of systems whose codes are left out."""
    languages: Languages = ANY_LANGUAGE
    properties: tuple[str, ...] = ()
    echoed: tuple[JsonObject, ...] = ()


def read_options(given: Mapping[str, Sequence[Json]], header: str, value_set: JsonObject) -> Options:
    """A parameter of the request comes before the value set's own (``valueset-expansion-parameter``), and for the
    language that before ``Accept-Language`` (``header``) and the value set's language."""
    asked = {**_own(value_set), **{name: list(values) for name, values in given.items()}}
    language = str(_one(asked, "displayLanguage") or header or value_set.get("language") or "")
    if language:
        asked["displayLanguage"] = [language.replace(" ", "")]
    wanted = frozenset(_token(str(one)) for one in asked.get("designation", ()))
    return Options(
        text=_text(asked),
        offset=_number(asked, "offset") or 0,
        count=_number(asked, "count"),
        has_offset="offset" in asked,
        designations=_flag(asked, "includeDesignations") or bool(wanted),
        uses=wanted,
        definition=_flag(asked, "includeDefinition"),
        active_only=_flag(asked, "activeOnly"),
        nested=not _flag(asked, "excludeNested"),
        for_ui=_flag(asked, "excludeNotForUI"),
        limited=_flag(asked, "limitedExpansion") or _flag(asked, "incomplete-ok"),
        excluded=frozenset(str(one).partition("|")[0] for one in asked.get("exclude-system", ())),
        languages=Languages.read(language),
        properties=tuple(dict.fromkeys(str(one) for one in asked.get("property", ()))),
        echoed=tuple(_echo(asked)),
    )


def _own(value_set: JsonObject) -> dict[str, list[Json]]:
    """The parameters that the value set itself states."""
    found: dict[str, list[Json]] = {}
    for name, value in stated(value_set):
        if name in _ECHOED or name == "property":
            found.setdefault(name, []).append(value)
    return found


def _echo(asked: Mapping[str, list[Json]]) -> list[JsonObject]:
    echoed = []
    for name, type in _ECHOED.items():
        for value in asked.get(name, ()):
            if type == "Boolean":
                value = _flag(asked, name)
            elif type == "Integer":
                value = _number(asked, name)
            echoed.append(
                {"name": name, f"value{type}": value if type in ("Boolean", "Integer") else str(value)}
            )
    return echoed


def _token(text: str) -> str:
    """``urn:ietf:bcp:47|de`` is the language ``de``."""
    return text.removeprefix(f"{_LANGUAGES}|")


def _text(asked: Mapping[str, list[Json]]) -> str:
    text = str(_one(asked, "filter") or "").strip()
    if len(text) > _LONGEST_FILTER:
        raise refuse(
            Category.INVALID, "too-long", f"filter has over {_LONGEST_FILTER} characters", _at("filter")
        )
    return text


def _one(asked: Mapping[str, list[Json]], name: str) -> Json:
    values = asked.get(name, ())
    if len(values) > 1:
        raise refuse(Category.INVALID, "invalid", f"'{name}' may be given once", _at(name))
    return values[0] if values else None


def _flag(asked: Mapping[str, list[Json]], name: str) -> bool:
    value = _one(asked, name)
    if value in (None, False, "false"):
        return False
    if value in (True, "true"):
        return True
    raise refuse(Category.INVALID, "value", f"{name} is true or false", _at(name))


def _number(asked: Mapping[str, list[Json]], name: str) -> int | None:
    value = _one(asked, name)
    if value is None:
        return None
    if isinstance(value, bool) or not str(value).isascii() or not str(value).isdigit() or len(str(value)) > 9:
        raise refuse(Category.INVALID, "value", f"{name} is a whole number", _at(name))
    return int(value)


def _at(name: str) -> str:
    return f"Parameters.parameter.where(name='{name}')"
