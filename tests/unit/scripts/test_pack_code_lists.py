"""What others keep lists of, packed from the packages that carry it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from scripts.pack_code_lists import pack_languages, pack_subdivisions


def npm(folder: Path, name: str, **files: Any) -> None:
    with tarfile.open(folder / f"{name}-1.0.0.tgz", "w:gz") as archive:
        for path, value in files.items():
            data = json.dumps(value).encode()
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def registry(folder: Path) -> None:
    rows = [
        {"Type": "language", "Subtag": "de", "Description": ["German"]},
        {
            "Type": "language",
            "Subtag": "iw",
            "Description": ["Hebrew"],
            "Preferred-Value": "he",
            "Deprecated": "1989",
        },
        {"Type": "extlang", "Subtag": "yue", "Description": ["Yue  Chinese", "Cantonese"], "Prefix": ["zh"]},
        {"Type": "grandfathered", "Tag": "i-Default", "Description": ["Default\n Language"]},
        {"Type": "region", "Subtag": "PR", "Description": ["Puerto Rico"]},
    ]
    place = "package/data/json"
    npm(
        folder,
        "language-subtag-registry",
        **{f"{place}/registry.json": rows, f"{place}/meta.json": {"File-Date": "2025-08-25"}},
    )


def test_languages_are_a_line_each(tmp_path: Path) -> None:
    registry(tmp_path)
    assert pack_languages(tmp_path) == {
        "version": "2025-08-25",
        "extlang": "\nyue\tYue Chinese\tCantonese\t^zh\n",
        "grandfathered": "\ni-default\tDefault Language\n",
        "language": "\nde\tGerman\niw\tHebrew\t>he\t!\n",
        "region": "\npr\tPuerto Rico\n",
    }


def test_subdivisions_have_names_and_what_they_are_a_part_of(tmp_path: Path) -> None:
    registry(tmp_path)
    names = {"it25": "Lombardy", "itmi": "Milan"}
    npm(tmp_path, "cldr-subdivisions-full", **{
        "package/subdivisions/en/en.json": {"subdivisions": {"localeDisplayNames": {"subdivisions": names}}}
    })  # fmt: skip
    held = {"IT": {"_contains": ["it25"]}, "it25": {"_contains": ["itmi"]}, "US": {"_contains": ["uspr"]}}
    npm(tmp_path, "cldr-core", **{
        "package/supplemental/subdivisionContainment.json":
            {"supplemental": {"version": {"_cldrVersion": "48"}, "subdivisionContainment": held}}
    })  # fmt: skip
    packed = pack_subdivisions(tmp_path)
    assert packed["version"] == "48"
    assert packed["codes"][3:] == [
        ["IT-25", "Lombardy", "IT"],
        ["IT-MI", "Milan", "IT-25"],
        ["US-PR", "Puerto Rico", "US"],
    ]
