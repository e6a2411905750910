"""Tests of the terminology ecosystem, sent to a server of its own over HTTP.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/testcases.html. The material is ``test-cases.json`` (or the part that
was handed) with the files it names, all in the form of R5: a server of R4 is sent R4, and its answers are compared
as R5. Each test runs twice: with the resources of its suite in the request (``tx-resource``), as the published runner
does, and with them stored on the server (its name then ends in ``(stored)``).

``TX_MODES=general,flat`` chooses the modes, ``TX_EXTERNALS=FILE`` gives the texts of ``$external:…$``, and
``TX_FILTER=TEXT`` runs only the tests with the text in their name.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from fhirserver.kernel.json import JsonObject, dumps, loads
from tests.corpus.suite import Case, described
from tests.corpus.terminology_matching import Matcher
from tests.corpus.terminology_versions import to_r4, to_r5
from tests.server_process import ServerProcess

MANIFESTS = ("test-cases.json", "test-cases-part.json")
MODES = "general,tx.fhir.org"
"""By default also the mode of the server that the tests come from: it asks for identifiers of messages."""
_PATHS = {
    "expand": "ValueSet/$expand",
    "validate-code": "ValueSet/$validate-code",
    "cs-validate-code": "CodeSystem/$validate-code",
    "batch-validate": "ValueSet/$batch-validate-code",
    "lookup": "CodeSystem/$lookup",
    "subsumes": "CodeSystem/$subsumes",
    "translate": "ConceptMap/$translate",
    "closure": "$closure",
    "related": "ValueSet/$related",
    "compare": "ValueSet/$compare",
    "batch": "",
}
_GETS = {"metadata": "metadata", "term-caps": "metadata?mode=terminology"}


@dataclass(frozen=True, slots=True)
class Test:
    """One test with the suite it stands in."""

    folder: Path
    suite: JsonObject
    case: JsonObject
    modes: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.suite['name']}/{self.case['name']}"

    def file(self, kind: str) -> str | None:
        """The file of the ``request`` or ``response``: that of a mode, where the test has one."""
        for mode in sorted(self.modes):
            if f"{kind}:{mode}" in self.case:
                return str(self.case[f"{kind}:{mode}"])
        return self.case.get(kind)

    def left_out(self) -> str:
        """Why the test does not apply, if so."""
        for one in (self.suite, self.case):
            asked = one.get("modes") or ([one["mode"]] if "mode" in one else [])
            if asked and not self.modes.intersection(asked):
                return f"is for the mode {', '.join(asked)}"
            if one.get("disabled"):
                return "is disabled"
            version = one.get("version", "4.0")
            if version.lstrip("!").startswith("4.0") == version.startswith("!"):
                return f"is for version {version}"
        operation = self.case["operation"]
        return "" if operation in (*_PATHS, *_GETS) else f"the operation {operation} is not FHIR's"


def run(folder: Path) -> Iterator[Case]:
    """Two cases for each test."""
    with tempfile.TemporaryDirectory(prefix="credence-tx-") as data:
        server = ServerProcess(Path(data))
        with server, httpx.Client(base_url=server.base, headers=server.headers, timeout=60) as client:
            yield from run_against(client, folder)


def run_against(client: httpx.Client, folder: Path) -> Iterator[Case]:
    """The same, on a server that runs."""
    tests = list(read(folder))
    for test in tests:
        yield test.name, *_tried(client, test, sent=True)
    stored: set[str] = set()
    for test in tests:
        if not test.left_out():
            _store(client, test, stored)
        yield f"{test.name} (stored)", *_tried(client, test, sent=False)


def read(folder: Path) -> Iterator[Test]:
    """The tests of a folder."""
    modes = frozenset((os.environ.get("TX_MODES") or MODES).split(","))
    manifest = next(folder / name for name in MANIFESTS if (folder / name).exists())
    for suite in _load(manifest)["suites"]:
        for case in suite["tests"]:
            if os.environ.get("TX_FILTER", "") in f"{suite['name']}/{case['name']}":
                yield Test(folder, suite, case, modes)


def _load(path: Path) -> JsonObject:
    loaded: JsonObject = loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    return loaded


def _tried(client: httpx.Client, test: Test, sent: bool) -> tuple[bool | None, str]:
    why = test.left_out()
    if why:
        return None, why
    try:
        problem = _problem(_answer(client, test, sent), test)
    except (ValueError, KeyError, OSError, httpx.HTTPError) as error:
        problem = described(error)
    return not problem, problem


# The request


def _answer(client: httpx.Client, test: Test, sent: bool) -> httpx.Response:
    operation, headers = test.case["operation"], _headers(test)
    if operation in _GETS:
        return client.get(_GETS[operation], headers=headers)
    file = test.file("request")
    request = _load(test.folder / file) if file else {"resourceType": "Parameters"}
    body = _completed(request, test, _setup(test) if sent else [])
    return client.post(_PATHS[operation], content=dumps(to_r4(body, operation)), headers=headers)


def _headers(test: Test) -> dict[str, str]:
    headers = {}
    if "Accept-Language" in test.case:
        headers["Accept-Language"] = test.case["Accept-Language"]
    own = test.case.get("header", {})
    if own and own.get("mode", next(iter(test.modes))) in test.modes:
        headers[own["name"]] = own["value"]
    return headers


def _completed(request: JsonObject, test: Test, setup: Iterable[JsonObject]) -> JsonObject:
    """The request with the resources of its suite, in a batch those in its first entry, and its profile."""
    resources: list[JsonObject] = [{"name": "tx-resource", "resource": one} for one in setup]
    more = _profile(test)
    if request["resourceType"] == "Bundle":
        for number, entry in enumerate(request.get("entry", ())):
            if "resource" in entry:
                _add(entry["resource"], [*(resources if number == 0 else ()), *more])
    else:
        _add(request, [*resources, *more])
    return request


def _add(parameters: JsonObject, more: list[JsonObject]) -> None:
    parameters["parameter"] = [*parameters.get("parameter", ()), *more]


def _profile(test: Test) -> list[JsonObject]:
    path = test.folder / test.case.get("profile", "parameters-default.json")
    found: list[JsonObject] = list(_load(path).get("parameter", ())) if path.exists() else []
    if "lenient-display" in test.case:
        found.append({"name": "lenient-display-validation", "valueBoolean": test.case["lenient-display"]})
    return found


def _setup(test: Test) -> list[JsonObject]:
    return [_load(test.folder / name) for name in test.suite.get("setup", ())]


def _store(client: httpx.Client, test: Test, stored: set[str]) -> None:
    """The resources of the suite, and no other's, are on the server. ``stored`` is what is there, and follows."""
    wanted: dict[str, JsonObject] = {}
    for resource in map(to_r4, _setup(test)):
        key = f"{resource.get('url')}|{resource.get('version')}"
        id = hashlib.sha256(key.encode()).hexdigest()[:32]
        wanted[f"{resource['resourceType']}/{id}"] = {**resource, "id": id}
    marks = {f"{path} {hashlib.sha256(repr(one).encode()).hexdigest()}" for path, one in wanted.items()}
    if marks == stored:
        return
    for path in {mark.split()[0] for mark in stored} - wanted.keys():
        client.delete(path)
    for path, resource in wanted.items():
        client.put(path, content=dumps(resource)).raise_for_status()
    stored.clear()
    stored.update(marks)


# The answer


def _problem(answer: httpx.Response, test: Test) -> str:
    wanted = str(test.case.get("http-code", "2xx"))
    code = str(answer.status_code)
    if not all(want in ("x", have) for want, have in zip(wanted, code, strict=True)):
        return f"answered {code}, not {wanted}: {answer.text[:500]}"
    file = test.file("response")
    if file is None:
        return ""
    expected, actual = _load(test.folder / file), to_r5(loads(answer.content))
    capabilities = test.case["operation"] in _GETS
    matcher = Matcher(test.modes, externals=_externals(file), open=capabilities)
    return matcher.differs(expected, _without_text(actual))


def _without_text(answer: JsonObject) -> JsonObject:
    return {name: value for name, value in answer.items() if name not in ("text", "meta")}


def _externals(file: str) -> dict[str, str]:
    where = os.environ.get("TX_EXTERNALS")
    return {**_load(Path(where)).get(file, {})} if where else {}
