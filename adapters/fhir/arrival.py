"""Whether a record as an EHR holds it shows that a change has arrived there."""

from __future__ import annotations

from fhirserver.kernel.json import Json, JsonObject

_NOT_OURS = ("id", "meta", "text")


def shows(current: JsonObject, wanted: JsonObject, before: JsonObject | None) -> bool:
    """Whether ``current`` says all that ``wanted`` says, and nothing that the change was to remove.

    What the EHR added of its own does not matter. ``before`` is what the change was made to; without it
    nothing tells an addition of the EHR from something to be removed, and both must be equal.
    """
    current, wanted = _ours(current), _ours(wanted)
    if before is None:
        return current == wanted
    return _says(current, wanted) and not _keeps(current, wanted, _ours(before))


def _ours(resource: JsonObject) -> JsonObject:
    return {name: value for name, value in resource.items() if name not in _NOT_OURS}


def _says(current: Json, wanted: Json) -> bool:
    if isinstance(wanted, dict):
        return isinstance(current, dict) and all(
            name in current and _says(current[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(current, list) and all(any(_says(c, w) for c in current) for w in wanted)
    return bool(current == wanted)


def _keeps(current: Json, wanted: Json, before: Json) -> bool:
    """Whether ``current`` still says something of ``before`` that ``wanted`` does not."""
    if isinstance(before, dict):
        return isinstance(current, dict) and any(
            _keeps_member(current, wanted, name, value) for name, value in before.items()
        )
    if isinstance(before, list):
        wanted_items = wanted if isinstance(wanted, list) else []
        removed = [item for item in before if not any(_says(w, item) for w in wanted_items)]
        kept_items = current if isinstance(current, list) else []
        return any(_says(item, gone) for gone in removed for item in kept_items)
    return False


def _keeps_member(current: JsonObject, wanted: Json, name: str, before: Json) -> bool:
    if name not in current:
        return False
    if not isinstance(wanted, dict) or name not in wanted:
        return True
    return _keeps(current[name], wanted[name], before)
