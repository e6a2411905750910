"""Importing a release: its content into the folder of releases, then what it says of itself into the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from fhirserver.app.loading import Answer, Target, reasons
from fhirserver.kernel.ids import derived_id, is_id
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.releases import Releases, ReleaseWriter
from fhirserver.world.vocabulary import ASSERTION_METHOD
from terminology.imports.kind import Import, InvalidSource, Progress

METHOD = "package"
_SOURCE = "source "
"""Begins the mark by which an interrupted import knows its files again."""
Tell = Callable[[str], None]


@dataclass(slots=True)
class Imported:
    """What came of it. ``failed`` has what could not be written into the log, and why."""

    header: JsonObject
    written: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def import_content(
    one: Import, path: Path, header: JsonObject, releases: Releases, progress: Progress, tell: Tell
) -> None:
    """Write the release; an interrupted import goes on. Raises :class:`InvalidSource`, with which what was written is
    forgotten, and a refusal (``lock-error``) where another process imports it."""
    writer = releases.writer(header["url"], header["version"])
    try:
        _begin(writer, _SOURCE + _fingerprint(path), tell)
        one.read(path, writer, progress)
        for step in writer.finish(header):
            progress(*step)
    except Refusal as refusal:
        writer.discard()
        raise InvalidSource(path, refusal.issues[0].diagnostics) from None
    except InvalidSource:
        writer.discard()
        raise
    finally:
        writer.close()


def _begin(writer: ReleaseWriter, source: str, tell: Tell) -> None:
    if writer.progress and source not in writer.progress:
        tell("the files are not those of the import that was interrupted: it begins anew")
        writer.discard()
    done = {step: at for step, at in writer.progress.items() if step and not step.startswith(_SOURCE)}
    if done:
        tell(
            "an import was interrupted; it goes on from "
            + ", ".join(f"{step} {at:,}" for step, at in done.items())
        )
    if source not in writer.progress:
        writer.checkpoint(source, 1)


def _fingerprint(path: Path) -> str:
    """Of the names, sizes and times of the files."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    told = [f"{one.relative_to(path)}|{one.stat().st_size}|{one.stat().st_mtime_ns}" for one in files]
    return blake2b("\n".join(told).encode(errors="surrogateescape"), digest_size=12).hexdigest()


async def write_resources(
    one: Import, path: Path, header: JsonObject, count: int, target: Target
) -> Imported:
    """The CodeSystem without its concepts, and the ValueSets and ConceptMaps of the release, by ordinary writes."""
    imported, provenance = Imported(header), provenance_of(one, path, header)
    for resource in (code_system(header, count), *_brought(one, path, header)):
        answer = await target.put(resource, provenance)
        if answer.status in (200, 201):
            imported.written += 1
        else:
            imported.failed.append((f"{resource['resourceType']}/{resource['id']}", reasons(answer)))
    return imported


def _brought(one: Import, path: Path, header: JsonObject) -> Iterator[JsonObject]:
    for resource in one.resources(path, header):
        named = is_id(resource.get("id"))
        yield resource if named else {**resource, "id": derived_id(path.name, str(resource.get("url")))}


def code_system(header: JsonObject, count: int) -> JsonObject:
    """What readers and searches find of a release: ``not-present``, since the resource holds no concepts; ``count``
    says how many there are. One for each version, each with an id of its own."""
    told = {name: value for name, value in header.items() if value and name not in _NOT_TOLD}
    told |= {name: value for name, value in header.items() if value is False}
    return {
        **told,
        "id": header_id(header["url"], header["version"]),
        "content": "not-present",
        "count": count,
    }


_NOT_TOLD = frozenset({"concept", "id", "meta", "text"})


def header_id(url: str, version: str) -> str:
    return derived_id("terminology", url, version)


def provenance_of(one: Import, path: Path, header: JsonObject) -> str:
    """The ``X-Provenance`` of what an import writes: the release is the source."""
    identifier = {"system": header["url"], "value": header["version"]}
    what = {"identifier": identifier, "display": f"{path.name} ({one.kind})"}
    return dumps(
        {
            "resourceType": "Provenance",
            "extension": [{"url": ASSERTION_METHOD, "valueCode": METHOD}],
            "entity": [{"role": "source", "what": what}],
        }
    ).decode()


async def remove(url: str, version: str, releases: Releases, target: Target) -> tuple[bool, Answer | None]:
    """Take the release away and delete its CodeSystem: whether there was one, and what the log answered, if asked."""
    removed = releases.remove(url, version)
    id = header_id(url, version)
    before = await target.get("CodeSystem", id)
    if before.status != Category.NOT_FOUND.value and before.status != Category.GONE.value:
        return True, await target.delete("CodeSystem", id)
    return removed, None
