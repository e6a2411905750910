"""Value sets that include more than one version of a code system: which include is asked first, and what excludes mean.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.kernel.json import JsonObject
from fhirserver.model.canonicals import version_order
from fhirserver.ports.code_validation import Coded
from terminology.expanding.overloading import versions_match
from terminology.validating.known import Known
from terminology.validating.versions import usable
from terminology.versions import fits


def in_order(known: Known, parts: Sequence[JsonObject], coded: Coded) -> Sequence[JsonObject]:
    """The includes as they are asked about a code. Of several versions of its system only those that it may be of, the
    newest first; the others do not speak of it."""
    own = [part for part in parts if part.get("system") == coded.system]
    if len(own) < 2:
        return parts
    versions = [_version(known, part) for part in own]
    if len({*versions}) < 2:
        return parts
    meant = [at for at, version in enumerate(versions) if not coded.version or fits(version, coded.version)]
    ranked = sorted(meant or range(len(own)), key=lambda at: version_order(versions[at]), reverse=True)
    return [*(own[at] for at in ranked), *(part for part in parts if part.get("system") != coded.system)]


def are_matched(known: Known, value_set: JsonObject, url: str) -> bool:
    """Whether an exclude takes a code of another version away, too: as the value set says (``versionsMatch``), or else
    where it includes but one version of the system."""
    stated = versions_match(value_set)
    if stated is not None:
        return stated
    return len(_versions(known, value_set["compose"].get("include", ()), url)) < 2


def _versions(known: Known, parts: Iterable[JsonObject], url: str) -> set[str]:
    return {_version(known, part) for part in parts if part.get("system") == url}


def _version(known: Known, part: JsonObject) -> str:
    url, included = str(part["system"]), str(part.get("version", ""))
    version = known.version_for(url, included)
    system = usable(known, url, version)
    return system.version if system is not None else version
