"""Ask PyPI whether an installed package has a known vulnerability, and look at the licences of what Credence needs.

Exits 1 for a vulnerability that does not stand in ``audit_ignored.toml``, or whose time there is over, and for a
licence that may not be combined with the project's. Without a network it says that nothing was asked, and exits 0.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

IGNORED = Path(__file__).with_name("audit_ignored.toml")
_SECONDS = 300
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_EXTRA = re.compile(r"extra\s*==")
_STRONG = re.compile(r"\bA?GPL|GNU (?:Affero )?General Public", re.IGNORECASE)
_APART = frozenset({"espeakng-loader"})
"""Under the GPL, but only ever run as a process of their own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One vulnerability of one package; ``ids`` are all its names."""

    package: str
    version: str
    ids: tuple[str, ...]
    fixed: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed)}" if self.fixed else "not fixed yet"
        return f"{self.package} {self.version}: {', '.join(self.ids)}, {fixed}"


@dataclass(frozen=True, slots=True)
class Ignored:
    """A vulnerability that does no harm here, why, and until when we believe that."""

    id: str
    package: str
    reason: str
    until: date


def read_ignored(text: str) -> list[Ignored]:
    """The entries of the file. Raises ValueError for one without a reason or a date."""
    found = []
    for entry in tomllib.loads(text).get("ignored", []):
        if set(entry) != {"id", "package", "reason", "until"} or not entry["reason"].strip():
            raise ValueError("each [[ignored]] has id, package, reason and until")
        if not isinstance(entry["until"], date):
            raise ValueError(f"{entry['id']}: until is a date such as 2027-03-01")
        found.append(Ignored(**entry))
    return found


def findings(report: Any) -> Iterator[Finding]:
    """The vulnerabilities of pip-audit's JSON."""
    for package in report["dependencies"]:
        for found in package.get("vulns", ()):
            ids = (found["id"], *found.get("aliases", ()))
            yield Finding(package["name"], package["version"], ids, tuple(found.get("fix_versions", ())))


def standing(found: Iterable[Finding], ignored: Iterable[Ignored], today: date) -> list[Finding]:
    """Those that are not ignored today."""
    excused = {(one.package.lower(), one.id) for one in ignored if one.until >= today}
    return [one for one in found if not any((one.package.lower(), id) in excused for id in one.ids)]


def ask() -> Any | None:
    """pip-audit's report on this very environment; None where nobody answered."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--skip-editable", "--timeout", "20"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    try:
        return json.loads(done.stdout)
    except ValueError:
        print(*done.stderr.strip().splitlines()[-1:], sep="\n")
        return None


def needed(name: str) -> dict[str, Distribution]:
    """What a package needs, and what that needs, without extras, as far as it is installed."""
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        key = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(key)
        except PackageNotFoundError:
            continue
        for line in found[key].requires or ():
            match = _NAME.match(line)
            if match and not _EXTRA.search(line):
                waiting.append(match[0])
    return found


def licence(package: Distribution) -> str:
    """What a package says of its licence, in few words."""
    about = package.metadata
    if stated := about.get("License-Expression"):
        return str(stated)
    trove = [one for one in about.get_all("Classifier") or () if one.startswith("License ::")]
    if trove:
        return ", ".join(one.rpartition(" :: ")[2] for one in trove)
    return (about.get("License") or "unstated").strip().splitlines()[0][:60]


def main() -> int:
    packages = needed("credence")
    licences = {name: licence(package) for name, package in packages.items() if name != "credence"}
    counted = Counter(licences.values()).most_common()
    print(f"licences of {len(licences)} packages:", "; ".join(f"{name} {count}" for name, count in counted))
    strong = [
        f"{name}: {said}" for name, said in licences.items() if _STRONG.search(said) and name not in _APART
    ]
    for line in strong:
        print(f"a licence that may not be combined with ours: {line}")
    report = ask()
    if report is None:
        print("vulnerabilities: NOT ASKED FOR, since PyPI could not be reached")
        return 1 if strong else 0
    ignored = read_ignored(IGNORED.read_text("utf-8"))
    found = standing(findings(report), ignored, date.today())
    for one in found:
        print(f"vulnerable: {one}")
    print(f"vulnerabilities: {len(report['dependencies'])} packages asked for, {len(found)} found")
    return 1 if found or strong else 0


if __name__ == "__main__":
    sys.exit(main())
