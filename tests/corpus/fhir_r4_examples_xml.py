"""Official example resources as XML: PUT, then GET back as XML and as JSON, equal to what the JSON says.

One case per example. Equal means equal with the text of every decimal, but for ``meta``, which is the server's.
What is sent is written by the server's own writer; that it is XML, another parser says.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import httpx

from fhirserver.kernel.json import dumps, loads
from fhirserver.model.xml import read_xml, write_xml
from tests.corpus.fhir_r4_examples import LANES, exact, read_archive, unequal
from tests.corpus.suite import Case, described
from tests.server_process import ServerProcess

JSON, XML = "application/fhir+json", "application/fhir+xml"


def run(archive: Path) -> Iterator[Case]:
    """Each example for itself; two of the same type and id are tried one after the other."""
    with (
        tempfile.TemporaryDirectory(prefix="credence-xml-") as folder,
        ServerProcess(Path(folder)) as server,
        httpx.Client(base_url=server.base, headers=server.headers, timeout=60) as client,
        ThreadPoolExecutor(LANES) as pool,
    ):
        first, again = _apart(read_archive(archive))
        for some in (first, again):
            failures = pool.map(lambda content: _trial(client, content), some.values())
            yield from ((name, not failed, failed) for name, failed in zip(some, failures, strict=True))


def _apart(examples: Iterator[tuple[str, bytes]]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    first: dict[str, bytes] = {}
    again: dict[str, bytes] = {}
    seen: set[str] = set()
    for name, content in examples:
        place = _place(content)
        (again if place in seen else first)[name] = content
        seen.add(place)
    return first, again


def _place(content: bytes) -> str:
    resource = exact(content)
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _trial(client: httpx.Client, content: bytes) -> str:
    """Why it failed; empty when all held."""
    try:
        document = write_xml(loads(content))
        ElementTree.fromstring(document)
    except (ValueError, ElementTree.ParseError) as error:
        return f"not written as XML: {described(error)}"
    place = _place(content)
    put = client.put(place, content=document, headers={"Content-Type": XML, "Accept": XML})
    if put.status_code not in (200, 201):
        return f"PUT answered {put.status_code}: {put.text[:300]}"
    return _read_back(client, place, content)


def _read_back(client: httpx.Client, place: str, content: bytes) -> str:
    sent = exact(content)
    for media in (XML, JSON):
        answer = client.get(place, headers={"Accept": media})
        if answer.status_code != 200 or not answer.headers["content-type"].startswith(media):
            return f"GET as {media} answered {answer.status_code} {answer.headers.get('content-type')}"
        got = exact(dumps(read_xml(answer.content)) if media == XML else answer.content)
        if differing := unequal(sent, got):
            return f"GET as {media} gave other content in {', '.join(differing)}"
    return ""
