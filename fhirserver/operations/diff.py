"""``$diff``: what changed between two versions or moments of a resource, or two resources, and who said so.

The answer is a FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html) that makes the one into the other; each
operation also has ``previousValue``, and within one resource ``provenance``, the commit that made the change, and
a ``unit`` for each unit it is about: whose claim holds now, how sure it was and is, who said it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.moments import version_then
from fhirserver.interactions.preconditions import is_version
from fhirserver.interactions.read import current, gone
from fhirserver.kernel.json import Json, JsonObject, canonical, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.references import parse_reference
from fhirserver.model.differences import Difference, differences, operation
from fhirserver.operations.diff_units import changed_units
from fhirserver.operations.moments import moment_given, version_asked
from fhirserver.operations.parameters import flag, inputs, one, parameters, part
from fhirserver.ports.storage import Key, Version
from fhirserver.store.as_of import AS_OF

MAX_VERSIONS = 100
"""Versions that are searched for who made a change; a diff over more says only what changed."""
FROM = "fromAsOf"
_UNMARKED = frozenset({"meta"})


async def diff(context: Context, request: Request) -> Result:
    """The patch from ``fromVersion`` (or the version before) to a version, or from ``from`` to ``to``."""
    given = inputs(request)
    leave = frozenset() if flag(given, "includeMeta") else _UNMARKED
    if request.id:
        before, after = await _two(context, request, given)
    else:
        before = await _named(context, one(given, "from", required=True), "from")
        after = await _named(context, one(given, "to", required=True), "to")
        if before.type != after.type:
            text = "The two resources must be of one type"
            raise refuse(Category.INVALID, "invalid", text, "http.to")
    found = differences(loads(before.content), loads(after.content), leave)
    operations = [operation(each) for each in found]
    for each, provenance in zip(operations, await _told(context, before, after, found), strict=True):
        if provenance:
            each["part"].append(part("provenance", "Reference", {"reference": f"Provenance/{provenance}"}))
    if before[:2] == after[:2]:
        for each, units in zip(
            operations, await changed_units(context.store, before, after, found), strict=True
        ):
            each["part"] += units
    return Result(200, parameters(operations))


async def _two(context: Context, request: Request, given: dict[str, list[Json]]) -> tuple[Version, Version]:
    """The two states of one resource: two versions, or what it was at two moments."""
    start, end = await moment_given(context, given, FROM), await moment_given(context, given)
    if start is None and end is None:
        return await _versions(context, request, one(given, "fromVersion"))
    if request.version or "fromVersion" in given:
        text = f"{AS_OF} and {FROM} are moments: they cannot be combined with versions"
        raise refuse(Category.INVALID, "invalid", text, f"http.{AS_OF if end else FROM}")
    after = await version_asked(context, request, end)
    if start is None:
        return await _before(context, after), after
    return await version_then(context, Key(request.type, request.id), start, FROM), after


async def _versions(context: Context, request: Request, start: Json) -> tuple[Version, Version]:
    """The two versions of one resource: the newest, or the one in the URL, and one before it."""
    newest = await current(context, request.type, request.id)
    after = newest
    if request.version:
        after = await _version(
            context, request.type, request.id, request.version, "http.url", Category.NOT_FOUND
        )
    if start is not None:
        before = await _version(context, request.type, request.id, str(start), "http.fromVersion")
        return before, after
    return await _before(context, after), after


async def _before(context: Context, after: Version) -> Version:
    """The last version before one in which the resource was there; the first one itself where there is none."""
    for version in await context.store.history(after.type, after.id, 2, after.version):
        if not version.deleted:
            return version
    return after


async def _version(
    context: Context, type: str, id: str, text: str, where: str, category: Category = Category.INVALID
) -> Version:
    found = await context.store.read_version(type, id, int(text)) if is_version(text) else None
    if found is None:
        raise refuse(category, "not-found", f"{type}/{id} has no version {text[:20]}", where)
    if found.deleted:
        raise gone(found)
    return found


async def _named(context: Context, value: Json, name: str) -> Version:
    """The version that ``Type/id`` or ``Type/id/_history/version`` names."""
    text = str(value.get("reference", "")) if isinstance(value, dict) else str(value)
    literal = parse_reference(text)
    if literal is None or literal.base not in ("", f"{context.base_url}/"):
        shape = f"{name} is Type/id or Type/id/_history/version on this server"
        raise refuse(Category.INVALID, "value", shape, f"http.{name}")
    try:
        newest = await current(context, literal.type, literal.id)
    except Refusal as refusal:
        if literal.version and refusal.category is Category.GONE:
            return await _version(context, literal.type, literal.id, literal.version, f"http.{name}")
        raise
    if not literal.version:
        return newest
    return await _version(
        context, literal.type, literal.id, literal.version, f"http.{name}", Category.NOT_FOUND
    )


async def _told(context: Context, before: Version, after: Version, found: Sequence[Difference]) -> list[str]:
    """For each difference the id of the commit that last changed its element; "" where that is not known."""
    spans = after.version - before.version
    if (before.type, before.id) != (after.type, after.id) or not 0 < spans <= MAX_VERSIONS or not found:
        return [""] * len(found)
    versions = await context.store.history(after.type, after.id, spans + 1, after.version + 1)
    members = _last_changed(versions, {each.member for each in found})
    commits = {position: await _commit(context, position) for position in set(members.values())}
    return [commits[members[each.member]] if each.member in members else "" for each in found]


def _last_changed(versions: Sequence[Version], wanted: Iterable[str]) -> dict[str, int]:
    """The position of the newest version in which each top-level element is not what it was in the one before."""
    changed: dict[str, int] = {}
    left = set(wanted)
    newer, content = versions[0], _content(versions[0])
    for older in versions[1:]:
        was = _content(older)
        for member in sorted(left):
            if _member(content, member) != _member(was, member):
                changed[member] = newer.position
        left -= changed.keys()
        newer, content = older, was
    return changed


def _content(version: Version) -> JsonObject:
    found: JsonObject = loads(version.content) if version.content else {}
    return found


def _member(content: JsonObject, name: str) -> bytes:
    """An element with its sibling; of a choice whichever type is there."""
    heads = (name, f"_{name}")
    found = {
        key: value
        for key, value in content.items()
        if key in heads or (key.startswith(heads) and key[len(name) + key.startswith("_") :][:1].isupper())
    }
    return canonical(found)


async def _commit(context: Context, position: int) -> str:
    (commit,) = await context.store.read_log(position - 1, 1)
    return commit.id
