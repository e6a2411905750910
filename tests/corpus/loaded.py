"""R4's own definitions with those of a suite beside them, and what stands in a package."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from terminology.service import packed


class Loaded:
    """The definitions of a suite first, then R4's."""

    def __init__(self, resources: Iterable[JsonObject] = ()):
        self._own: dict[str, list[JsonObject]] = {}
        for resource in resources:
            if isinstance(resource.get("url"), str):
                self._own.setdefault(resource["url"], []).append(resource)

    def find(self, url: str, type: str = "") -> JsonObject | None:
        bare, _, version = url.partition("|")
        for resource in self._own.get(bare, ()):
            if type in ("", resource["resourceType"]) and version in ("", resource.get("version")):
                return resource
        return packed(url, type)


def package(archive: Path) -> Iterator[tuple[str, Json]]:
    """Path and content of each JSON file of an npm package that is a resource."""
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() and member.name.endswith(".json") else None
            if file is None:
                continue
            try:
                content = loads(file.read())
            except InvalidJson:
                continue
            if isinstance(content, dict) and "resourceType" in content:
                yield member.name, content
