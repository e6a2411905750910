"""Pack what others keep lists of: units of measure, language subtags, subdivisions of countries.

    pip download --no-deps --only-binary :all: -d PACKAGES ucumvert==0.3.2
    cd PACKAGES && npm pack language-subtag-registry cldr-core cldr-subdivisions-full
    python scripts/pack_code_lists.py PACKAGES

* ``fhirserver/model/data/ucum-essence.xml.xz``: the UCUM table, unchanged as its licence asks (ucumvert carries it);
* ``terminology/grammars/languages.json.xz``: the IANA language subtag registry, a text of lines a kind;
* ``terminology/lists/subdivisions.json.xz``: ISO 3166-2 codes with the English names of CLDR.

The same bytes for the same input. NOTICE says whose they are.
"""

from __future__ import annotations

import json
import lzma
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OVERLAPPING = {"GB-EAW": "England and Wales", "GB-GBN": "Great Britain", "GB-UKM": "United Kingdom"}
"""Codes of ISO 3166-2 that CLDR leaves out."""
UNNAMED = {"CN-NM": "Inner Mongolia", "FI-01": "Åland Islands"}
"""Codes that CLDR does not name; others are countries of their own, and have their names."""


# Languages


def pack_languages(packages: Path) -> dict[str, Any]:
    """A text for each kind of subtag: a line begins with the subtag, then by tabs its descriptions, after them
    ``>`` and its preferred value, ``^`` and each prefix, ``!`` where it is deprecated."""
    folder = "package/data/json"
    rows = json.loads(read_npm(packages, "language-subtag-registry", f"{folder}/registry.json"))
    date = json.loads(read_npm(packages, "language-subtag-registry", f"{folder}/meta.json"))["File-Date"]
    lines = defaultdict(list)
    for row in rows:
        tag = row.get("Subtag") or row["Tag"]
        parts = [tag.lower(), *(" ".join(one.split()) for one in row["Description"])]
        parts += [f">{row['Preferred-Value']}"] if "Preferred-Value" in row else []
        parts += [f"^{prefix.lower()}" for prefix in row.get("Prefix", ())]
        parts += ["!"] if "Deprecated" in row else []
        lines[row["Type"]].append("\t".join(parts))
    return {"version": date, **{kind: "\n".join(["", *found, ""]) for kind, found in sorted(lines.items())}}


# Subdivisions


def pack_subdivisions(packages: Path) -> dict[str, Any]:
    """``codes``: code, name, the country or subdivision that it is a part of."""
    names = json.loads(read_npm(packages, "cldr-subdivisions-full", "package/subdivisions/en/en.json"))
    core = json.loads(read_npm(packages, "cldr-core", "package/supplemental/subdivisionContainment.json"))
    registry = json.loads(read_npm(packages, "language-subtag-registry", "package/data/json/registry.json"))
    regions = {row["Subtag"]: row["Description"][0] for row in registry if row["Type"] == "region"}
    english = names["subdivisions"]["localeDisplayNames"]["subdivisions"]
    rows = []
    for above, held in core["supplemental"]["subdivisionContainment"].items():
        parent = above if above.isupper() and len(above) == 2 else iso(above)
        rows += [
            [iso(code), english.get(code) or unnamed(iso(code), regions), parent]
            for code in held["_contains"]
        ]
    rows += [[code, name, code[:2]] for code, name in OVERLAPPING.items()]
    return {"version": core["supplemental"]["version"]["_cldrVersion"], "codes": sorted(rows)}


def unnamed(code: str, regions: dict[str, str]) -> str:
    return UNNAMED.get(code) or regions[code[3:]]


def iso(code: str) -> str:
    return f"{code[:2]}-{code[2:]}".upper()


# Files


def read_wheel(packages: Path, name: str, member: str) -> bytes:
    with zipfile.ZipFile(next(packages.glob(f"{name}-*.whl"))) as archive:
        return archive.read(member)


def read_npm(packages: Path, name: str, member: str) -> bytes:
    with tarfile.open(next(packages.glob(f"{name}-[0-9]*.tgz"))) as archive:
        file = archive.extractfile(member)
        if file is None:
            raise ValueError(f"{name} has no {member}")
        return file.read()


def write(data: bytes, path: Path) -> None:
    path.write_bytes(lzma.compress(data, check=lzma.CHECK_CRC32, preset=9 | lzma.PRESET_EXTREME))
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def targets(packages: Path) -> Iterator[tuple[bytes, Path]]:
    essence = read_wheel(packages, "ucumvert", "ucumvert/vendor/ucum-essence.xml")
    yield essence, ROOT / "fhirserver/model/data/ucum-essence.xml.xz"
    yield compact(pack_languages(packages)), ROOT / "terminology/grammars/languages.json.xz"
    yield compact(pack_subdivisions(packages)), ROOT / "terminology/lists/subdivisions.json.xz"


if __name__ == "__main__":
    for packed, target in targets(Path(sys.argv[1])):
        write(packed, target)
