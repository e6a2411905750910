"""US Core 6.1.0: the package is loaded, then every SHALL and SHOULD search of the requirements is asked.

Values come from the two patients' data; what each search must find is worked out by :mod:`tests.corpus.us_core_naive`.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.corpus import us_core_validity
from tests.corpus.suite import Case
from tests.corpus.us_core_naive import Json
from tests.corpus.us_core_questions import ASKED, Question, included, place, provenances, questions, wanted
from tests.server_process import ServerProcess, credence

OWN_PARAMETERS_SECONDS = 20.0


class _Loader(yaml.SafeLoader):
    """YAML whose dates stay texts."""


_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def run(folder: Path) -> Iterator[Case]:
    """``package loads``, the capability statement, then one case for each search."""
    with tempfile.TemporaryDirectory(prefix="credence-us-core-") as place:
        server = ServerProcess(Path(place))
        with server, httpx.Client(base_url=server.base, headers=server.headers, timeout=120) as client:
            yield from _load(folder, server)
            data = _send(folder, client)
            yield "data loads", bool(data), "" if data else "no bundle was accepted"
            groups = [*_groups(folder)]
            statement = _statement(client, groups)
            for group in groups:
                yield from _advertised(group, statement)
                yield from _searches(group, data, client)
            yield from us_core_validity.cases(folder, groups, client)


def _load(folder: Path, server: ServerProcess) -> Iterator[Case]:
    for package in sorted(folder.glob("*.tgz")):
        done = credence("load", str(package), "--server", server.base, "--token", server.token)
        yield f"{package.name} loads", done.returncode == 0, done.stdout[-1000:]


def _send(folder: Path, client: httpx.Client) -> list[Json]:
    """Post the data, and read back what is there: references are then as the server knows them."""
    for path in sorted((folder / "data").glob("*.json")):
        client.post("", content=path.read_bytes()).raise_for_status()
    types = {
        resource["resourceType"] for path in (folder / "data").glob("*.json") for resource in _resources(path)
    }
    return [resource for type in sorted(types) for resource in _all(client, type)]


def _resources(path: Path) -> Iterator[Json]:
    for entry in json.loads(path.read_text())["entry"]:
        yield entry["resource"]


def _all(client: httpx.Client, type: str) -> list[Json]:
    answer = client.get(type, params={"_count": "1000"})
    answer.raise_for_status()
    return [entry["resource"] for entry in answer.json().get("entry", ())]


def _groups(folder: Path) -> Iterator[Json]:
    for path in sorted((folder / "requirements").glob("*.yml")):
        group = yaml.load(path.read_text(), _Loader)
        if ":searches" in group:
            named = {name.lstrip(":"): one for name, one in group[":search_definitions"].items()}
            yield {**group, ":search_definitions": named, "file": path.stem}


def _statement(client: httpx.Client, groups: list[Json]) -> dict[str, Json]:
    """What the server advertises by type; waits until the package's own parameters are in use."""
    wanted = {(group[":resource"], name) for group in groups for name in group[":search_definitions"]}
    deadline = time.monotonic() + OWN_PARAMETERS_SECONDS
    while True:
        rest = client.get("metadata").json()["rest"][0]
        resources = {resource["type"]: resource for resource in rest["resource"]}
        known = {
            (type, one["name"]) for type, resource in resources.items() for one in resource["searchParam"]
        }
        if wanted <= known or time.monotonic() > deadline:
            return resources
        time.sleep(1)


# What is advertised


def _advertised(group: Json, statement: dict[str, Json]) -> Iterator[Case]:
    resource, file = statement[group[":resource"]], group["file"]
    yield f"{file}: profile advertised", *_among(group[":profile_url"], resource.get("supportedProfile", ()))
    codes = {one["code"] for one in resource["interaction"]}
    missing = {one[":code"] for one in group[":interactions"] if one[":expectation"] in ASKED} - codes
    yield f"{file}: interactions advertised", not missing, f"not advertised: {sorted(missing)}"
    names = {one["name"] for one in resource["searchParam"]}
    missing = {name for one in wanted(group) for name in one[":names"]} - names
    yield f"{file}: parameters advertised", not missing, f"not advertised: {sorted(missing)}"
    for include in group.get(":include_params", ()):
        stated = include if include in resource["searchInclude"] else ":".join(include.split(":")[:2])
        yield f"{file}: _include={include} advertised", *_among(stated, resource["searchInclude"])
    for include in group.get(":revincludes", ()):
        yield (
            f"{file}: _revinclude={include} advertised",
            *_among(include, resource.get("searchRevInclude", ())),
        )


def _among(one: str, all_of: Any) -> tuple[bool, str]:
    return one in all_of, f"{one} is not advertised"


# What is asked


def _searches(group: Json, data: list[Json], client: httpx.Client) -> Iterator[Case]:
    for name, asked in questions(group, data):
        yield from _asked(name, group, asked, client)
    yield from _includes(
        group, [one for one in data if one["resourceType"] == group[":resource"]], data, client
    )


def _asked(name: str, group: Json, wanted: list[Question], client: httpx.Client) -> Iterator[Case]:
    """Ask them, by GET and the first by POST too; skipped where the data have nothing to ask with."""
    if not wanted:
        yield name, None, "the data have no such value"
        return
    type = group[":resource"]
    problems = [_problem(client.get(type, params=[*one.params, ("_count", "500")]), one) for one in wanted]
    form: dict[str, list[str]] = {}
    for code, text in wanted[0].params:
        form.setdefault(code, []).append(text)
    posted = client.post(
        f"{type}/_search", data=form, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    problems.append(_problem(posted, wanted[0]))
    wrong = [problem for problem in problems if problem]
    yield name, not wrong, "; ".join(wrong[:3])


def _problem(answer: httpx.Response, question: Question) -> str:
    if answer.status_code != 200:
        return f"{question} answered {answer.status_code}: {answer.text[:300]}"
    entries = answer.json().get("entry", ())
    found = {place(entry["resource"]) for entry in entries if entry["search"]["mode"] == "match"}
    if found == question.expected:
        return ""
    return f"{question} found {sorted(found - question.expected)} too and not {sorted(question.expected - found)}"


# Includes


def _includes(group: Json, held: list[Json], data: list[Json], client: httpx.Client) -> Iterator[Case]:
    ids = ",".join(one["id"] for one in held) or "none"
    for include in group.get(":include_params", ()):
        params = {"_id": ids, "_include": include, "_count": "500"}
        there = included(include, held, data)
        yield f"{group['file']}: _include={include}", *_included(client, group, params, there)
    for include in group.get(":revincludes", ()):
        params = {"_id": ids, "_revinclude": include, "_count": "500"}
        there = provenances(held, data)
        yield f"{group['file']}: _revinclude={include}", *_included(client, group, params, there)


def _included(client: httpx.Client, group: Json, params: Json, wanted: set[str]) -> tuple[bool, str]:
    answer = client.get(group[":resource"], params=params)
    if answer.status_code != 200:
        return False, f"answered {answer.status_code}: {answer.text[:300]}"
    entries = answer.json().get("entry", ())
    found = {place(entry["resource"]) for entry in entries if entry["search"]["mode"] == "include"}
    return found == wanted, f"included {sorted(found - wanted)} too and not {sorted(wanted - found)}"
