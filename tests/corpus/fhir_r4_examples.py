"""Official example resources: PUT, GET back equal, found by every search parameter they hold a value for.

One case per example. Equal means equal with the text of every decimal, but for ``meta``, which is the
server's. All simple parameter types and composites are asked for, references by identifier and by type, and
codes by text. A special parameter (``near``, ``_text`` and ``_content``) that the server refuses as one that it
does not have is one skipped case of its own.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from fhirserver.kernel.json import loads
from tests.corpus.search_values import searches, special_searches
from tests.corpus.suite import Case, described
from tests.server_process import ServerProcess

Json = dict[str, Any]
LANES = 4


def run(archive: Path) -> Iterator[Case]:
    """Put all of them first, so that they are looked for among each other."""
    examples: dict[str, bytes] = {}
    again: dict[str, bytes] = {}
    places: set[str] = set()
    for name, content in read_archive(archive):
        place, fault = _place(content)
        if fault:
            yield name, False, fault
        else:
            (again if place in places else examples)[name] = content
            places.add(place)
    yield from _tried(examples, again)


def _place(content: bytes) -> tuple[str, str]:
    """``Type/id`` of an example, or why it has none."""
    try:
        return _path(exact(content)), ""
    except (ValueError, KeyError, TypeError) as error:
        return "", f"not a resource with an id: {described(error)}"


def _tried(examples: dict[str, bytes], again: dict[str, bytes]) -> Iterator[Case]:
    """Those in ``again`` have the type and id of another and are tried after it, one by one."""
    with (
        tempfile.TemporaryDirectory(prefix="credence-examples-") as folder,
        ServerProcess(Path(folder)) as server,
        httpx.Client(base_url=server.base, headers=server.headers, timeout=60) as client,
        ThreadPoolExecutor(LANES) as pool,
    ):
        refusals = list(pool.map(lambda content: _put(client, content), examples.values()))
        trials = pool.map(lambda content: _trial(client, content), examples.values())
        for name, refused, failed in zip(examples, refusals, trials, strict=True):
            yield name, not (refused or failed), refused or failed
        yield from _specials(client, examples.values())
        for name, content in again.items():
            failed = _put(client, content) or _trial(client, content)
            yield name, not failed, failed


def read_archive(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every JSON file of a tar archive, in order; with its folder where a name repeats."""
    seen: set[str] = set()
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda one: one.name):
            if member.isfile() and member.name.endswith(".json") and (file := tar.extractfile(member)):
                name = Path(member.name).name
                yield member.name if name in seen else name, file.read()
                seen.add(name)


def exact(content: bytes) -> Json:
    """The JSON with the text of its decimals, by another parser than the server's."""
    parsed: Json = json.loads(content, parse_float=lambda text: ("decimal", text))
    return parsed


def _put(client: httpx.Client, content: bytes) -> str:
    """Why the server did not take it; empty when it did."""
    resource = exact(content)
    answer = client.put(_path(resource), content=content)
    if answer.status_code not in (200, 201):
        return f"PUT answered {answer.status_code}: {_said(answer)}"
    return ""


def _path(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _said(answer: httpx.Response) -> str:
    try:
        issue = answer.json()["issue"][0]
        return f"{issue.get('expression', '')} {issue.get('diagnostics', '')}"[:300]
    except (ValueError, KeyError, IndexError):
        return answer.text[:200]


def _trial(client: httpx.Client, content: bytes) -> str:
    """Why reading or finding it failed; empty when all held."""
    sent = exact(content)
    answer = client.get(_path(sent))
    if answer.status_code != 200:
        return f"GET answered {answer.status_code}: {_said(answer)}"
    if differing := unequal(sent, exact(answer.content)):
        return f"GET gave other content in {', '.join(differing)}"
    lost = [
        f"{code}={text}" for code, text in _asked(content, answer) if not _found(client, sent, code, text)
    ]
    return f"not found by {len(lost)} searches: {'; '.join(lost[:8])}" if lost else ""


def unequal(sent: Json, got: Json) -> list[str]:
    """The elements that differ, ``meta`` aside."""
    names = (set(sent) | set(got)) - {"meta"}
    return sorted(name for name in names if sent.get(name) != got.get(name))


def _asked(content: bytes, answer: httpx.Response) -> list[tuple[str, str]]:
    """The searches for what was sent, at the time when the server says it took it."""
    resource = loads(content)
    meta = {**resource.get("meta", {}), "lastUpdated": answer.json()["meta"]["lastUpdated"]}
    return list(searches({**resource, "meta": meta}))


def _specials(client: httpx.Client, contents: Iterable[bytes]) -> Iterator[Case]:
    """One case for each special parameter that some example has a value for."""
    asked: dict[str, list[tuple[Json, str]]] = {}
    for content in contents:
        resource = loads(content)
        for code, text in special_searches(resource):
            asked.setdefault(code, []).append((resource, text))
    for code, cases in sorted(asked.items()):
        yield f"({code})", *_special(client, code, cases)


def _special(client: httpx.Client, code: str, cases: list[tuple[Json, str]]) -> tuple[bool | None, str]:
    resource, text = cases[0]
    if client.get(resource["resourceType"], params={code: text}).status_code in (400, 501):
        return None, "the server refuses this parameter"
    lost = [_path(resource) for resource, text in cases if not _found(client, resource, code, text)]
    return not lost, f"{len(lost)} of {len(cases)} not found: {', '.join(lost[:8])}" if lost else ""


def _found(client: httpx.Client, sent: Json, code: str, text: str) -> bool:
    """With ``_id`` beside it the answer is one entry or none, however many others match."""
    where = {code: text} if code == "_id" else {code: text, "_id": sent["id"]}
    answer = client.get(sent["resourceType"], params=where)
    if answer.status_code != 200:
        return False
    return any(entry["resource"]["id"] == sent["id"] for entry in answer.json().get("entry", ()))
