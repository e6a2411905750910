"""What ``$validate`` is asked: a resource in the body itself or in a Parameters, a mode, profiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fhirserver.interactions.exchange import Request
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.model.validation import validate

MODES = ("create", "update", "delete", "profile")
_INPUTS = frozenset({"resource", "mode", "profile"})
_VALUES = {"mode": ("valueCode", "valueString"), "profile": ("valueUri", "valueCanonical", "valueUrl")}


@dataclass(frozen=True, slots=True)
class Asked:
    """``place`` is where the resource stands in the body: empty where it is the body."""

    resource: JsonObject | None = None
    place: str = ""
    mode: str = ""
    profiles: tuple[str, ...] = ()

    def placed(self, issues: Iterable[Issue]) -> list[Issue]:
        """Issues about the resource, as issues about the body."""
        if not self.place:
            return list(issues)
        return [
            replace(issue, expression=tuple(self._placed(path) for path in issue.expression))
            for issue in issues
        ]

    def _placed(self, path: str) -> str:
        head = path.partition(".")[0]
        if head == "http":
            return path
        stated = self.resource.get("resourceType") if isinstance(self.resource, dict) else None
        return self.place + path[len(head) :] if head in (stated, "Resource") else f"{self.place}.{path}"


def asked(request: Request) -> Asked:
    """Read URL and body. Raises a refusal (400) where the request is malformed: not for what the resource is like."""
    body = request.json() if request.body else None
    found = _wrapped(body) if body is not None and _is_wrapper(request, body) else Asked(body)
    for name, value in request.params:
        found = _with(found, name, value, f"http.{name}")
    if found.mode == "profile" and not found.profiles:
        raise refuse(Category.INVALID, "required", "The mode 'profile' needs a profile", "http.profile")
    return found


def _is_wrapper(request: Request, body: JsonObject) -> bool:
    """A Parameters that has an input of the operation is not itself what shall be validated."""
    if body.get("resourceType") != "Parameters":
        return False
    parameters = body.get("parameter")
    items = parameters if isinstance(parameters, list) else []
    named = {str(item.get("name")) for item in items if isinstance(item, dict)}
    if request.type in ("", "Parameters") and not named & _INPUTS:
        return False
    return request.type != "Parameters" or "resource" in named


def _wrapped(body: JsonObject) -> Asked:
    _check_wrapper(body)
    found = Asked()
    for number, parameter in enumerate(body.get("parameter", ())):
        place, name = f"Parameters.parameter[{number}]", parameter["name"]
        if name == "resource":
            found = _with_resource(found, parameter, place)
        else:
            found = _with(found, name, _value(name, parameter, place), place)
    return found


def _check_wrapper(body: JsonObject) -> None:
    """Refuse what is wrong about the wrapper itself; what stands in it is what is asked about."""
    parameters = body.get("parameter")
    items = parameters if isinstance(parameters, list) else []
    emptied = [_without_resource(item) for item in items]
    bare = {**body, "parameter": emptied} if isinstance(parameters, list) else body
    issues = [issue for issue in validate(bare) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.INVALID, issues)


def _without_resource(item: Json) -> Json:
    if isinstance(item, dict) and isinstance(item.get("resource"), dict):
        return {**item, "resource": {"resourceType": "Basic", "code": {"text": "any"}}}
    return item


def _with_resource(found: Asked, parameter: JsonObject, place: str) -> Asked:
    if found.resource is not None:
        raise refuse(Category.INVALID, "invalid", "'resource' may be given once", place)
    if "resource" not in parameter:
        raise refuse(Category.INVALID, "structure", "'resource' holds a resource", place)
    return replace(found, resource=parameter["resource"], place=f"{place}.resource")


def _value(name: str, parameter: JsonObject, place: str) -> Json:
    for member in _VALUES.get(name, ()):
        if member in parameter:
            return parameter[member]
    if name in _VALUES:
        wanted = _VALUES[name][0]
        raise refuse(Category.INVALID, "invalid", f"'{name}' is given as {wanted}", place)
    return None


def _with(found: Asked, name: str, value: Json, where: str) -> Asked:
    if name == "profile":
        return replace(found, profiles=(*found.profiles, str(value)))
    if name != "mode":
        known = ", ".join(sorted(_INPUTS))
        text = f"$validate has no parameter '{name[:64]}'; it takes: {known}"
        raise refuse(Category.INVALID, "not-supported", text, where)
    if found.mode:
        raise refuse(Category.INVALID, "invalid", "'mode' may be given once", where)
    if value not in MODES:
        raise refuse(Category.INVALID, "code-invalid", f"The mode is one of {', '.join(MODES)}", where)
    return replace(found, mode=value)


def needed(found: Asked) -> JsonObject:
    """The resource, or a refusal (400)."""
    if found.resource is None:
        text = "A resource to validate is needed: as the body, or as the parameter 'resource'"
        raise refuse(Category.INVALID, "required", text, "Parameters.parameter")
    return found.resource
