"""FHIR NPM packages, read from their archive. https://confluence.hl7.org/display/FHIR/NPM+Package+Specification"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fhirserver.kernel.json import InvalidJson, JsonObject, loads, loads_unique

CORE = frozenset({"hl7.fhir.r4.core", "hl7.fhir.core", "hl7.fhir.r4.expansions", "hl7.fhir.r4.examples"})
"""What the server has of itself."""

MOST_BYTES = 256 * 1024 * 1024
"""The largest file that is read out of an archive."""

_RESOURCE = re.compile(r"package/(?!package\.json$)[^/.][^/]*\.json")
_EXAMPLE = re.compile(r"package/examples?/[^/.][^/]*\.json")


class InvalidPackage(ValueError):
    """The file is no FHIR package that can be loaded; the message says why."""


class Content(NamedTuple):
    """One file of a package: a JSON object with a resourceType, or why it is none."""

    file: str
    resource: JsonObject | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Package:
    """A package on disk. ``files`` are those that :meth:`contents` yields, by their path in the archive."""

    path: Path
    name: str
    version: str
    dependencies: Mapping[str, str]
    files: frozenset[str]

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def size(self) -> int:
        return len(self.files)

    def contents(self) -> Iterator[Content]:
        """The resources, read one at a time in the order of the archive; not what is JSON and no resource."""
        with tarfile.open(self.path, "r:*") as archive:
            for member in archive:
                if _name(member) in self.files:
                    yield _content(archive, member)


def is_wanted(member: tarfile.TarInfo, examples: bool) -> bool:
    """Whether a member of the archive is a resource to load."""
    name = _name(member)
    wanted = _RESOURCE.fullmatch(name) or (examples and _EXAMPLE.fullmatch(name))
    return member.isfile() and bool(wanted)


def _name(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./")


def open_package(path: Path, examples: bool = False) -> Package:
    """What the package is. Raises :class:`InvalidPackage`."""
    try:
        with tarfile.open(path, "r:*") as archive:
            members = archive.getmembers()
            manifest = _manifest(archive, members)
            wanted = [member for member in members if is_wanted(member, examples)]
            left_out = frozenset() if examples else _declared_examples(archive, wanted)
    except FileNotFoundError:
        raise InvalidPackage(f"{path}: not there") from None
    except (OSError, EOFError, tarfile.TarError):
        raise InvalidPackage(f"{path}: not a package: it cannot be read as a .tgz archive") from None
    _check_version(path, manifest)
    files = frozenset(_name(member) for member in wanted) - left_out
    dependencies = manifest.get("dependencies") or {}
    return Package(path, manifest["name"], str(manifest.get("version", "")), dependencies, files)


def _declared_examples(archive: tarfile.TarFile, members: list[tarfile.TarInfo]) -> frozenset[str]:
    """The files that the ImplementationGuide calls examples: not every package has them in a folder of their own."""
    found: set[str] = set()
    for member in members:
        if _name(member).startswith("package/ImplementationGuide"):
            guide = _content(archive, member).resource or {}
            for one in guide.get("definition", {}).get("resource", ()):
                if one.get("exampleBoolean") or one.get("exampleCanonical"):
                    reference = str(one.get("reference", {}).get("reference", ""))
                    found.add(f"package/{reference.replace('/', '-')}.json")
    return frozenset(found)


def _manifest(archive: tarfile.TarFile, members: list[tarfile.TarInfo]) -> JsonObject:
    for member in members:
        if member.isfile() and _name(member) == "package/package.json":
            try:
                manifest = loads(_read(archive, member))
            except InvalidJson as error:
                raise InvalidPackage(f"package/package.json is not JSON: {error}") from None
            if isinstance(manifest, dict) and isinstance(manifest.get("name"), str):
                return manifest
            raise InvalidPackage("package/package.json has no name")
    raise InvalidPackage("not a FHIR package: it has no package/package.json")


def _check_version(path: Path, manifest: JsonObject) -> None:
    versions = manifest.get("fhirVersions") or manifest.get("fhir-version-list") or []
    if versions and not any(str(version).startswith("4.0") for version in versions):
        stated = ", ".join(str(version) for version in versions)
        raise InvalidPackage(f"{path}: made for FHIR {stated}; this server is FHIR 4.0.1")


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member) if member.size <= MOST_BYTES else None
    return file.read() if file is not None else b""


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Content:
    name = _name(member).removeprefix("package/")
    if member.size > MOST_BYTES:
        return Content(name, None, f"larger than {MOST_BYTES} bytes")
    try:
        resource = loads_unique(_read(archive, member))
    except InvalidJson as error:
        return Content(name, None, f"not JSON: {error}")
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return Content(name, None, "not a resource")
    return Content(name, resource)
