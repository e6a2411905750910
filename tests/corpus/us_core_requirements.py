"""US Core 6.1.0: the package is loaded, then every SHALL and SHOULD search of the requirements is asked.

Values come from the two patients' data; what each search must find is worked out by :mod:`tests.corpus.us_core_naive`.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.corpus import us_core_validity
from tests.corpus.suite import Case
from tests.corpus.us_core_naive import Json, Parameter, matches, written
from tests.server_process import ServerProcess, credence

MOST = 4
"""How many different searches are asked for one combination and one way to write it."""
ASKED = frozenset({"SHALL", "SHOULD"})
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
    missing = {name for one in _wanted(group) for name in one[":names"]} - names
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


def _wanted(group: Json) -> Iterator[Json]:
    return (search for search in group[":searches"] if search[":expectation"] in ASKED)


# What is asked


@dataclass(frozen=True)
class Question:
    """Parameters to send, and which resources must be found."""

    params: tuple[tuple[str, str], ...]
    expected: frozenset[str]

    @staticmethod
    def of(pairs: list[tuple[Parameter, str]], held: list[Json]) -> Question:
        found = {
            place(one) for one in held if all(matches(parameter, one, text) for parameter, text in pairs)
        }
        return Question(tuple((parameter.name, text) for parameter, text in pairs), frozenset(found))


def place(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _searches(group: Json, data: list[Json], client: httpx.Client) -> Iterator[Case]:
    held = [one for one in data if one["resourceType"] == group[":resource"]]
    definitions = group[":search_definitions"]
    for search in _wanted(group):
        parameters = [Parameter.read(name, definitions[name]) for name in search[":names"]]
        name = f"{group['file']}: {'+'.join(search[':names'])}"
        yield from _asked(name, group, _plain(parameters, definitions, held), client)
        for index, parameter in enumerate(parameters):
            definition = definitions[parameter.name]
            yield from _comparators(name, group, parameters, index, definition, held, client)
            yield from _multiples(name, group, parameters, index, definition, held, client)
    yield from _chains(group, held, data, client)
    yield from _includes(group, held, data, client)


def _plain(parameters: list[Parameter], definitions: Json, held: list[Json]) -> list[Question]:
    """Each way to write the values of the first resources that have all of them; made-up values where none has."""
    choices: dict[tuple[str, ...], None] = {}
    for resource in held:
        ways = [[t for value in p.values(resource)[:2] for t in written(p, value)] for p in parameters]
        choices.update(dict.fromkeys(combination for combination in list(product(*ways))[: 2 * MOST]))
    if not choices:
        choices[tuple(_made_up(p, definitions[p.name], held) for p in parameters)] = None
    return [
        Question.of(list(zip(parameters, texts, strict=True)), held) for texts in list(choices)[: 4 * MOST]
    ]


def _made_up(parameter: Parameter, definition: Json, held: list[Json]) -> str:
    """A value where the data have none for all parameters at once."""
    for resource in held:
        for value in parameter.values(resource):
            if texts := written(parameter, value):
                return texts[0]
    stated = definition.get(":values") or []
    kinds = {"date": "2020-01-01", "reference": "Patient/907", "uri": "http://example.org/q"}
    return str(stated[0]) if stated else kinds.get(parameter.kind, "nothing")


def _with(
    parameters: list[Parameter], index: int, texts: list[str], resource: Json, held: list[Json]
) -> Question | None:
    """All parameters by the resource's own values, the one at ``index`` by the texts (each repeated: all of them)."""
    pairs = []
    for at, parameter in enumerate(parameters):
        own = [text for value in parameter.values(resource) for text in written(parameter, value)]
        if at == index:
            pairs += [(parameter, text) for text in texts]
        elif own:
            pairs.append((parameter, own[0]))
        else:
            return None
    return Question.of(pairs, held)


def _comparators(
    name: str,
    group: Json,
    parameters: list[Parameter],
    index: int,
    definition: Json,
    held: list[Json],
    client: Any,
) -> Iterator[Case]:
    parameter = parameters[index]
    for code, expectation in (definition.get(":comparators") or {}).items():
        prefix = code.lstrip(":")
        if expectation not in ASKED and prefix == "ap":
            continue  # how near is near is the server's to say
        questions = []
        for resource in held:
            texts = [text for value in parameter.values(resource) for text in written(parameter, value)]
            questions += [_with(parameters, index, [prefix + text], resource, held) for text in texts[:2]]
        yield from _asked(f"{name} {parameter.name}={prefix}", group, questions, client)


def _multiples(
    name: str,
    group: Json,
    parameters: list[Parameter],
    index: int,
    definition: Json,
    held: list[Json],
    client: Any,
) -> Iterator[Case]:
    """Several values with a comma (or), and the parameter repeated (and)."""
    parameter = parameters[index]
    seen: dict[str, None] = {}
    for resource in held:
        seen.update(dict.fromkeys(t for v in parameter.values(resource) for t in written(parameter, v)[:1]))
    stated = [str(value) for value in definition.get(":values") or ()]
    texts = [*list(seen)[:3], *stated] if parameter.kind != "date" else list(seen)[:3]
    if definition.get(":multiple_or") in ASKED and texts:
        questions = [_with(parameters, index, [",".join(texts)], resource, held) for resource in held[:MOST]]
        yield from _asked(f"{name} {parameter.name} or", group, questions, client)
    if definition.get(":multiple_and") in ASKED or parameter.kind == "date":
        questions = []
        for resource in held:
            own = [text for value in parameter.values(resource) for text in written(parameter, value)]
            both = [f"ge{own[0]}", f"le{own[0]}"] if parameter.kind == "date" and own else own[:2]
            questions.append(_with(parameters, index, both, resource, held) if both else None)
        yield from _asked(f"{name} {parameter.name} and", group, questions, client)


def _chains(group: Json, held: list[Json], data: list[Json], client: httpx.Client) -> Iterator[Case]:
    for name, definition in group[":search_definitions"].items():
        for chain in definition.get(":chain", ()):
            if chain[":expectation"] not in ASKED:
                continue
            parameter, code = Parameter.read(name, definition), chain[":chain"]
            kind, path = ("token", "identifier") if code == "identifier" else ("string", code)
            inner = Parameter(code, (path,), kind)
            questions = [
                _chained(parameter, inner, text, target, held)
                for target in data
                if any(matches(parameter, one, place(target)) for one in held)
                for value in inner.values(target)
                for text in written(inner, value)
            ]
            yield from _asked(f"{group['file']}: {name}.{code}", group, questions, client)


def _chained(parameter: Parameter, inner: Parameter, text: str, target: Json, held: list[Json]) -> Question:
    found = {place(one) for one in held if matches(parameter, one, place(target))}
    name = f"{parameter.name}:{target['resourceType']}.{inner.name}"
    return Question(((name, text),), frozenset(found))


def _asked(name: str, group: Json, questions: list[Question | None], client: httpx.Client) -> Iterator[Case]:
    """Ask them, by GET and the first by POST too; skipped where the data have nothing to ask with."""
    wanted = list(dict.fromkeys(question for question in questions if question is not None))[: 4 * MOST]
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
    asked = "&".join(f"{name}={text}" for name, text in question.params)
    if answer.status_code != 200:
        return f"{asked} answered {answer.status_code}: {answer.text[:300]}"
    entries = answer.json().get("entry", ())
    found = {place(entry["resource"]) for entry in entries if entry["search"]["mode"] == "match"}
    if found == question.expected:
        return ""
    return (
        f"{asked} found {sorted(found - question.expected)} too and not {sorted(question.expected - found)}"
    )


# Includes


def _includes(group: Json, held: list[Json], data: list[Json], client: httpx.Client) -> Iterator[Case]:
    ids = ",".join(one["id"] for one in held) or "none"
    for include in group.get(":include_params", ()):
        name = include.split(":")[1]
        wanted = {place(one) for one in data if any(_refers(r, name, one) for r in held)}
        if include.count(":") > 1:
            wanted = {one for one in wanted if one.split("/")[0] == include.split(":")[2]}
        params = {"_id": ids, "_include": include, "_count": "500"}
        yield f"{group['file']}: _include={include}", *_included(client, group, params, wanted)
    for include in group.get(":revincludes", ()):
        wanted = {
            place(one)
            for one in data
            if one["resourceType"] == "Provenance"
            and any(
                target.get("reference", "").split("/_history")[0] in map(place, held)
                for target in one["target"]
            )
        }
        params = {"_id": ids, "_revinclude": include, "_count": "500"}
        yield f"{group['file']}: _revinclude={include}", *_included(client, group, params, wanted)


def _refers(resource: Json, name: str, target: Json) -> bool:
    """Whether an element named like the parameter (also as a choice, also below) refers to the target."""
    texts = json.dumps([inner for key, inner in resource.items() if key.startswith(name)])
    return f'"{place(target)}"' in texts


def _included(client: httpx.Client, group: Json, params: Json, wanted: set[str]) -> tuple[bool, str]:
    answer = client.get(group[":resource"], params=params)
    if answer.status_code != 200:
        return False, f"answered {answer.status_code}: {answer.text[:300]}"
    entries = answer.json().get("entry", ())
    found = {place(entry["resource"]) for entry in entries if entry["search"]["mode"] == "include"}
    return found == wanted, f"included {sorted(found - wanted)} too and not {sorted(wanted - found)}"
