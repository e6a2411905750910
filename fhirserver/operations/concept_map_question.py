"""What ``ConceptMap/$translate`` is asked: by R4's names, or by those of R5 (``sourceCode``, ``targetSystem`` …)."""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.read import current
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.operations.parameters import flag, one
from fhirserver.operations.terminology_asked import Given, asked_with_kept
from fhirserver.ports.concept_maps import Question

_MAP = "ConceptMap"


async def question_of(context: Context, request: Request, given: Given) -> Question:
    """Raises a refusal (400) unless there is one code with its system."""
    reverse = flag(given, "reverse") or any(name in given for name in R5_REVERSE)
    return Question(
        _codings(given, reverse),
        await _map(context, request, given),
        _value_set(context, _either(given, "source", "sourceScope")),
        _value_set(context, _either(given, "target", "targetScope")),
        _target_system(given),
        tuple(map(_dependency, given.get("dependency", ()))),
        reverse,
        await asked_with_kept(context, request, given),
    )


R5_REVERSE = ("targetCode", "targetcode", "targetCoding", "targetCodeableConcept")
_CODES = ("code", "sourceCode", "targetCode", "targetcode")
_CODING = ("coding", "sourceCoding", "targetCoding")
_CONCEPT = ("codeableConcept", "sourceCodeableConcept", "targetCodeableConcept")


def _is_map(value: Json) -> bool:
    return isinstance(value, dict) and value.get("resourceType") == _MAP


def _codings(given: Given, reverse: bool) -> tuple[JsonObject, ...]:
    stated = [name for name in (*_CODES, *_CODING, *_CONCEPT) if name in given]
    if len(stated) != 1:
        raise _wrong("One of 'code' (with 'system'), 'coding' and 'codeableConcept' is needed, and only one")
    (name,) = stated
    value = one(given, name)
    if name in _CODES:
        return (_code(given, str(value), reverse),)
    if not isinstance(value, dict):
        raise _wrong(f"'{name}' is sent in the body of a POST", name)
    codings = value.get("coding", ()) if name in _CONCEPT else (value,)
    found = tuple(one for one in codings if one.get("system") and one.get("code"))
    if not found:
        raise _wrong("A coding needs its system and its code", name)
    return found


def _code(given: Given, code: str, reverse: bool) -> JsonObject:
    """In R5's words the system may also be that of the side on which the code stands."""
    if "targetcode" in given:
        return _of_system(str(one(given, "targetsystem") or ""), code, one(given, "version"))
    side = "targetSystem" if "targetCode" in given else "sourceSystem" if "sourceCode" in given else "system"
    return _of_system(str(one(given, "system") or one(given, side) or ""), code, one(given, "version"))


def _of_system(system: str, code: str, version: Json) -> JsonObject:
    if not system:
        raise _wrong("A code needs its 'system'", "system")
    return {"system": system, "code": code, **({"version": str(version)} if version else {})}


def _target_system(given: Given) -> str:
    if "targetcode" in given:
        return str(one(given, "system") or "")
    if any(name in given for name in R5_REVERSE):
        return str(one(given, "sourceSystem") or "")
    return _either(given, "targetsystem", "targetSystem")


def _either(given: Given, name: str, other: str) -> str:
    if name in given and other in given:
        raise _wrong(f"'{name}' and '{other}' are the same: one is enough", other)
    return str(one(given, name) or one(given, other) or "")


async def _map(context: Context, request: Request, given: Given) -> str | JsonObject:
    """That of the URL, the one given as ``conceptMap``, or the canonical ``url`` with its version."""
    if request.id:
        await current(context, request.type, request.id)
        return f"{_MAP}/{request.id}"
    inline, url = one(given, "conceptMap"), str(one(given, "url") or "")
    if inline is not None:
        if not isinstance(inline, dict) or not _is_map(inline) or url:
            raise _wrong("'conceptMap' is a ConceptMap, and instead of 'url'", "conceptMap")
        return inline
    version = one(given, "conceptMapVersion")
    if version and not url:
        raise _wrong("'conceptMapVersion' is the version of 'url'", "conceptMapVersion")
    return f"{url}|{version}" if version and "|" not in url else url


def _value_set(context: Context, name: str) -> str:
    """The canonical url of a value set: it may be named by where it is stored, also by its id alone."""
    local = name.removeprefix(f"{context.base_url}/")
    if local and ":" not in local:
        local = local if local.startswith("ValueSet/") else f"ValueSet/{local}"
    if not local.startswith("ValueSet/"):
        return name
    found = context.conformance.find(local, "ValueSet")
    if found is None:
        raise refuse(Category.NOT_FOUND, "not-found", f"{local[:80]} is not known here")
    return str(found.get("url") or local)


def _dependency(value: Json) -> tuple[str, JsonObject]:
    """Element and CodeableConcept; R5 has ``attribute`` and a value of several types."""
    parts: JsonObject = {}
    for part in value.get("part", ()) if isinstance(value, dict) else ():
        parts[part["name"]] = next((v for k, v in part.items() if k.startswith("value")), None)
    element = parts.get("element") or parts.get("attribute")
    if not isinstance(element, str):
        raise _wrong("A dependency names its 'element'", "dependency")
    return element, _concept(parts.get("concept", parts.get("value")))


def _concept(value: Json) -> JsonObject:
    if isinstance(value, dict):
        return value if "coding" in value or "text" in value else {"coding": [value]}
    return {"text": str(value), "coding": [{"code": str(value)}]}


def _wrong(text: str, name: str = "") -> Refusal:
    where = f"Parameters.parameter.where(name='{name}')" if name else "Parameters.parameter"
    return refuse(Category.INVALID, "invalid" if name else "required", text, where)
