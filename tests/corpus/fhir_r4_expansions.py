"""The value sets of R4 expand as the official expansions say. One case per value set that has one.

Codes that only group others are compared only where the official expansion has them: it leaves them out mostly.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from terminology.service import TerminologyService
from tests.corpus.suite import Case

_LIMIT = 100_000


def run(archive: Path) -> Iterator[Case]:
    service = TerminologyService(limit=_LIMIT)
    for value_set in read(archive):
        url = str(value_set["url"])
        try:
            concepts = service.expand(url).concepts
        except Refusal as refusal:
            yield url, False, refusal.issues[0].diagnostics
            continue
        official = {
            (one.get("system"), one["code"]) for one in _walk(value_set["expansion"].get("contains", ()))
        }
        ours = {
            (one.system, one.code)
            for one in concepts
            if not one.abstract or (one.system, one.code) in official
        }
        yield url, ours == official, _told(official - ours, ours - official)


def read(archive: Path) -> Iterator[JsonObject]:
    """The ValueSets with expansions in an archive of R4's definitions, each once."""
    seen = set()
    with tarfile.open(archive) as files:
        for member in files:
            file = files.extractfile(member)
            if file is None or not member.name.endswith(".json"):
                continue
            for resource in _resources(loads(file.read())):
                is_one = resource.get("resourceType") == "ValueSet" and "expansion" in resource
                if is_one and resource["url"] not in seen:
                    seen.add(resource["url"])
                    yield resource


def _resources(content: object) -> Iterable[JsonObject]:
    if not isinstance(content, dict):
        return ()
    if content.get("resourceType") == "Bundle":
        return (entry["resource"] for entry in content.get("entry", ()) if "resource" in entry)
    return (content,)


def _walk(contains: Iterable[JsonObject]) -> Iterator[JsonObject]:
    for item in contains:
        if "code" in item:
            yield item
        yield from _walk(item.get("contains", ()))


def _told(missing: set[tuple[str | None, str]], more: set[tuple[str, str]]) -> str:
    parts = [
        f"{what} {len(codes)}, such as {'#'.join(map(str, min(codes, key=str)))}"
        for what, codes in (("lacks", missing), ("has besides", more))
        if codes
    ]
    return "; ".join(parts)
