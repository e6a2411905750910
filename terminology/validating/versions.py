"""Which version of a system a code is looked for in, where the value set, the code and the request each name one."""

from __future__ import annotations

from terminology.systems import System
from terminology.validating import messages
from terminology.validating.known import Known
from terminology.validating.trace import Trace
from terminology.versions import fits


def usable(known: Known, url: str, version: str = "") -> System | None:
    """The system, if its codes are here: one of which only examples are known says nothing about other codes."""
    found = known.system(url, version) if url else None
    if found is None or found.header.get("content") in ("not-present", "example", "supplement"):
        return None
    return found


def version_meant(known: Known, url: str, included: str, trace: Trace) -> str:
    """The version for one include. A version of the code that is another one is an error, save where the value set
    leaves it open."""
    wanted, given = known.version_for(url, included), trace.coded.version
    if not given:
        return wanted
    if fits(given, wanted) if wanted else given in known.system_versions(url):
        wanted = given
    system = usable(known, url, wanted)
    if system is not None:
        if not fits(system.version, given):
            _mismatch(known, system, wanted, included, trace)
    elif wanted != given:
        trace.add(messages.other_version(url, wanted, given, trace.path))
    return wanted


def _mismatch(known: Known, system: System, wanted: str, included: str, trace: Trace) -> None:
    url, given, path = system.url, trace.coded.version, trace.path
    if not wanted:
        severity = "error" if system.header.get("versionNeeded") else "warning"
        trace.add(messages.other_default_version(url, system.version, given, path, severity))
    elif wanted != included:
        trace.add(messages.other_changed_version(url, wanted, included, given, path))
    else:
        trace.add(messages.other_version(url, included, given, path))
    if usable(known, url, given) is None or given not in known.system_versions(url):
        not_known(known, url, given, trace)


def not_known(known: Known, url: str, version: str, trace: Trace, quoted: bool = True) -> None:
    """That a system, or a version of it, is not known here."""
    if not version:
        trace.unknown[url] = None
        trace.add(messages.unknown_system(url, trace.path, quoted))
        return
    versions = [one for one in known.system_versions(url) if one]
    trace.unknown[f"{url}|{version}" if versions else url] = None
    trace.add(messages.unknown_version(url, version, versions, trace.path))
