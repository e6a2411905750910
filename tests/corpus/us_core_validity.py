"""US Core through ``$validate``: the package's examples are valid, and not without what a profile demands."""

from __future__ import annotations

import copy
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.corpus.suite import Case
from tests.corpus.us_core_naive import Json


def cases(folder: Path, groups: list[Json], client: httpx.Client) -> Iterator[Case]:
    """One for each example, then one for each mandatory element of each profile that has an example."""
    packages = sorted(folder.glob("*.tgz"))
    examples = [one for package in packages for one in _read(package, "package/example/")]
    demanded = {
        path
        for package in packages
        for _, one in _read(package, "package/StructureDefinition-")
        for path in _demanded(one)
    }
    for file, resource in examples:
        wrong = errors(client, resource)
        yield f"$validate {file}", not wrong, "; ".join(wrong[:3])
    for group in groups:
        url = group[":profile_url"]
        claiming = next((one for _, one in examples if url in _claimed(one)), None)
        for path in group[":mandatory_elements"]:
            name = f"{group['file']}: invalid without {path}"
            broken = without(claiming, path.split(".")[1:]) if claiming else None
            if (url, path) not in demanded:
                yield name, None, "only a slice demands it"
            elif broken is None:
                yield name, None, "no example has it"
            else:
                wrong = errors(client, broken, url)
                yield name, bool(wrong), "it was found valid"


def _demanded(definition: Json) -> Iterator[tuple[str, str]]:
    """Profile and path of what must be there whatever the slices say."""
    for element in definition["snapshot"]["element"]:
        if element["min"] and ":" not in element["id"]:
            yield definition["url"], element["path"]


def _read(package: Path, start: str) -> Iterator[tuple[str, Json]]:
    with tarfile.open(package) as archive:
        for member in archive:
            if member.name.startswith(start) and member.name.endswith(".json"):
                file = archive.extractfile(member)
                resource = json.load(file) if file else {}
                if "resourceType" in resource:
                    yield member.name.rpartition("/")[2], resource


def _claimed(resource: Json) -> list[str]:
    return [profile.partition("|")[0] for profile in resource.get("meta", {}).get("profile", ())]


def errors(client: httpx.Client, resource: Json, profile: str = "") -> list[str]:
    """The errors that ``$validate`` finds, through a Parameters wrapper whose paths they must name."""
    parameters: list[Json] = [{"name": "resource", "resource": resource}]
    if profile:
        parameters.append({"name": "profile", "valueUri": profile})
    answer = client.post("$validate", json={"resourceType": "Parameters", "parameter": parameters})
    if answer.status_code != 200:
        return [f"answered {answer.status_code}: {answer.text[:300]}"]
    found = [one for one in answer.json()["issue"] if one["severity"] in ("error", "fatal")]
    stray = [one for one in found if not one["expression"][0].startswith("Parameters.parameter[0].resource")]
    assert not stray, stray[:1]
    return [f"{one['diagnostics']} at {one['expression']}" for one in found]


def without(resource: Json, path: list[str]) -> Json | None:
    """A copy that lacks the element everywhere, as a value and as a choice; None where it has none."""
    changed = copy.deepcopy(resource)
    return changed if _remove(changed, path) else None


def _remove(value: Any, path: list[str]) -> bool:
    if isinstance(value, list):
        return sum(_remove(one, path) for one in value) > 0
    if not isinstance(value, dict):
        return False
    names = [name for name in value if name.lstrip("_") == path[0] or _is_choice(name, path[0])]
    if len(path) > 1:
        return sum(_remove(value[name], path[1:]) for name in names) > 0
    for name in names:
        del value[name]
    return bool(names)


def _is_choice(name: str, element: str) -> bool:
    stem = element.removesuffix("[x]")
    return element.endswith("[x]") and name.startswith(stem) and name[len(stem) :][:1].isupper()
