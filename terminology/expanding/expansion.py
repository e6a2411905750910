"""``ValueSet/$expand``: the value set with its expansion. https://hl7.org/fhir/R4/valueset-operation-expand.html"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

from fhirserver.kernel import effort
from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept
from terminology.code_systems.meaning import STANDARDS_STATUS
from terminology.expanding import refusals
from terminology.expanding.composing import Composed, Composer
from terminology.expanding.contains import STATUS, Writer, declared
from terminology.expanding.endless import Endless
from terminology.expanding.members import Listed, Member, Members, Numbered
from terminology.expanding.nesting import nested
from terminology.expanding.options import VERSIONS_OF_SYSTEMS, Options
from terminology.expanding.overloading import VERSIONS_MATCH
from terminology.library import RequestLibrary
from terminology.systems import System
from terminology.versions import joined, split

TOO_COSTLY = "http://hl7.org/fhir/StructureDefinition/valueset-toocostly"
UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
LARGEST_PAGE = 10_000
"""Codes of a page that is asked for by ``count``: it may have more than an expansion that is whole."""
_SHOWN = (
    *("id", "language", "contained", "url", "identifier", "version", "name", "title", "status"),
    *("experimental", "date"),
)
"""The members of the value set that stand in the answer; all of them only where its definition is asked for."""


_NOT_SHOWN = frozenset({"text", "meta", "expansion"})


@dataclass(frozen=True)
class Page:
    """``total`` is None where it is not known; ``is_cut``: there are more codes than those shown."""

    members: list[tuple[Member, System | None]]
    total: int | None
    is_cut: bool


def expand(
    value_set: JsonObject, library: RequestLibrary, options: Options, limit: int, canonical: str = ""
) -> JsonObject:
    """The resource with its expansion. Over ``limit`` codes it is refused (``too-costly``), unless it is a page or a
    limited expansion that is asked for. ``canonical``: how the value set was found, if so."""
    library = library.with_supplements(value_set)
    if missing := library.missing_supplements():
        raise refusals.missing_supplements(missing)
    composed = Composer(library).compose(value_set, canonical)
    page = page_of(composed, options, limit, joined(value_set.get("url", ""), value_set.get("version", "")))
    overloaded = _overloaded(composed)
    writer = Writer(options, lambda url: url in overloaded or composed.used.has_versions(url))
    if page.is_cut and any(map(_has_inactive, composed.parts)) and not options.active_only:
        writer.properties["status"] = STATUS
    items = [writer.item(member, system) for member, system in effort.watch(page.members)]
    if options.nested and composed.is_tree and not page.is_cut and items:
        system = page.members[0][1]
        items = nested(items, system) if system is not None else items
    return _resource(value_set, library, composed, options, page, items, writer)


def page_of(composed: Composed, options: Options, limit: int, name: str) -> Page:
    """The codes that are asked for. ``name`` is that of the value set."""
    return _page(_filtered(composed.parts, options), options, limit, name)


def _filtered(parts: tuple[Members, ...], options: Options) -> list[Members]:
    found: list[Members] = [one.active() for one in parts] if options.active_only else [*parts]
    if options.for_ui:  # what is only there to group others is not for choosing
        found = [_selectable(one) for one in found]
    return [one for one in found if len(one) and one.url not in options.excluded]


def _selectable(members: Members) -> Members:
    if isinstance(members, Numbered):
        return replace(members, numbers=members.numbers - members.system.flagged("abstract"))
    return members


def _page(parts: list[Members], options: Options, limit: int, name: str) -> Page:
    start = options.offset
    if options.text:
        return _found(parts, options, limit, name)
    endless = [one for one in parts if isinstance(one, Endless)]
    if endless and not options.limited:
        _ = endless[0].system.size  # which it refuses
    total = sum(map(len, parts))
    if options.count is None and total - start > limit and not options.limited:
        raise refusals.too_costly(name, limit)
    end = min(start + _most(options, limit), total)
    members: list[tuple[Member, System | None]] = []
    for part in effort.watch(parts):
        size = len(part)
        if start < size and end > 0:
            system = _system_of(part)
            members.extend((one, system) for one in part.members(max(start, 0), min(end, size)))
        start, end = start - size, end - size
    return Page(members, None if endless else total, bool(endless) or len(members) < total)


def _most(options: Options, limit: int) -> int:
    """How many codes are shown."""
    return limit if options.count is None else min(options.count, max(limit, LARGEST_PAGE))


def _found(parts: list[Members], options: Options, limit: int, name: str) -> Page:
    """The codes that are called so, as far as is asked for; counted where that is cheap."""
    is_whole = options.count is None and not options.limited
    start, end = (
        options.offset,
        options.offset + _most(options, limit) + is_whole,
    )  # one more tells that it is not
    members: list[tuple[Member, System | None]] = []
    seen, total = 0, 0
    is_counted = True
    for part in parts:
        best, number = part.find(options.text, max(end - seen, 0))
        wanted = best[max(start - seen, 0) : max(end - seen, 0)]
        members.extend((member, _system_of(part)) for member in part.shown(wanted))  # type: ignore[arg-type]
        seen += len(best)
        is_counted, total = is_counted and number is not None, total + (number or 0)
    if is_whole and len(members) > limit:
        raise refusals.too_costly(name, limit)
    return Page(members, total if is_counted else None, not is_counted or len(members) < total)


def _system_of(members: Members) -> System | None:
    return None if isinstance(members, Listed) else members.system


def _resource(
    value_set: JsonObject,
    library: RequestLibrary,
    composed: Composed,
    options: Options,
    page: Page,
    items: list[JsonObject],
    writer: Writer,
) -> JsonObject:
    shown = value_set if options.definition else _SHOWN
    resource: JsonObject = {"resourceType": "ValueSet"}
    resource |= {name: value_set[name] for name in shown if name in value_set and name not in _NOT_SHOWN}
    resource.setdefault("status", "active")
    expansion: JsonObject = {"identifier": f"urn:uuid:{uuid4()}", "timestamp": instant(SystemClock().now())}
    extensions = declared(writer.properties)
    if options.limited and page.is_cut and options.count is None and not options.text:
        extensions.append({"url": TOO_COSTLY, "valueBoolean": True})
    if any(isinstance(one, Endless) for one in composed.parts):
        extensions.append({"url": UNCLOSED, "valueBoolean": True})
    if extensions:
        expansion = {"extension": extensions, **expansion}
    if page.total is not None and (page.is_cut or not options.text or options.has_offset):
        expansion["total"] = page.total
    if options.has_offset:
        expansion["offset"] = options.offset
    echoed = (one for one in options.echoed if _mattered(one, composed))
    parameters = [*echoed, *_used(value_set, library, composed)]
    if composed.matched:
        parameters.append({"name": VERSIONS_MATCH, "valueBoolean": True})
    if parameters:
        expansion["parameter"] = parameters
    if items:
        expansion["contains"] = items
    return {**resource, "expansion": expansion}


def _mattered(parameter: JsonObject, composed: Composed) -> bool:
    """Whether a parameter had a say: versions of systems that are not drawn on had none, nor had those that stand in
    for none where every include names one."""
    name, named = parameter["name"], composed.used.named
    if name not in VERSIONS_OF_SYSTEMS:
        return True
    url = split(parameter["valueUri"])[0]
    return url in named and (name == "force-system-version" or "" in named[url])


def _overloaded(composed: Composed) -> frozenset[str]:
    """The urls of systems of which more than one version is drawn on: their codes tell which one they are of."""
    urls = [system.url for system in composed.used.systems.values()]
    return frozenset(url for url in urls if urls.count(url) > 1)


def _used(value_set: JsonObject, library: RequestLibrary, composed: Composed) -> Iterator[JsonObject]:
    """What the expansion draws on, and what is to be known of that."""
    for canonical, system in effort.watch(composed.used.systems.items()):
        yield _told("used-codesystem", canonical)
        yield from _warnings(canonical, system.header, value_set)
        if system.header.get("content") in ("fragment", "example"):
            yield _told(str(system.header["content"]), canonical)
        for supplement in library.supplements_of(system.url, system.version):
            yield _told("used-supplement", joined(supplement.url, supplement.version))
    for canonical, imported in composed.used.value_sets.items():
        yield _told("used-valueset", canonical)
        yield from _warnings(canonical, imported, value_set)
    named = joined(value_set.get("url", ""), value_set.get("version", ""))
    if named:
        yield from _warnings(named, value_set, value_set)


def _told(name: str, canonical: str) -> JsonObject:
    return {"name": name, "valueUri": canonical}


def _warnings(canonical: str, resource: JsonObject, source: JsonObject) -> Iterator[JsonObject]:
    """That something is not to be used (any longer, or yet); a draft may draw on drafts."""
    standards, own = _standards_status(resource), _standards_status(source)
    if standards in ("deprecated", "withdrawn"):
        yield _told(f"warning-{standards}", canonical)
    elif resource.get("status") == "retired":
        yield _told("warning-retired", canonical)
    elif resource.get("experimental") is True and source.get("experimental") is not True:
        yield _told("warning-experimental", canonical)
    elif "draft" in (resource.get("status"), standards) and "draft" not in (source.get("status"), own):
        yield _told("warning-draft", canonical)


def _standards_status(resource: JsonObject) -> str:
    extensions = (one for one in resource.get("extension", ()) if one.get("url") == STANDARDS_STATUS)
    return next((str(one.get("valueCode", "")) for one in extensions), "")


def _has_inactive(members: Members) -> bool:
    return isinstance(members, Numbered) and bool(members.numbers & members.system.flagged("inactive"))


def shown_as(member: Member) -> Concept:
    """The concept as the value set calls it."""
    concept, own = member
    display = own.get("display", "")
    if not own or display in ("", concept.display):
        return concept
    return replace(concept, display=display)
