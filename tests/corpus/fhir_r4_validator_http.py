"""The same cases as ``fhir_r4_validator``, asked of a running server: ``POST [base]/$validate``, default settings.

The bytes of a case are sent as they are; what it needs is stored first. Invalid is what has an error in the
OperationOutcome, or is refused as malformed. Every answer must be an OperationOutcome.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from tests.corpus.fhir_r4_validator import (
    ERRORS,
    SUPPORTING,
    Entry,
    compared,
    entries,
    errors_of_reference,
    read,
)
from tests.corpus.suite import Case, described
from tests.server_process import ServerProcess


def run(folder: Path) -> Iterator[Case]:
    """One or two cases per entry of the manifest."""
    with tempfile.TemporaryDirectory(prefix="credence-validator-") as data:
        server = ServerProcess(Path(data))
        with server, httpx.Client(base_url=server.base, headers=server.headers, timeout=60) as client:
            for entry in entries(folder):
                try:
                    yield entry.name, *_judged(client, folder, entry)
                except (ValueError, KeyError, OSError, httpx.HTTPError) as error:
                    yield entry.name, False, described(error)


def _judged(client: httpx.Client, folder: Path, entry: Entry) -> tuple[bool | None, str]:
    theirs, why = errors_of_reference(folder, entry)
    if theirs is None:
        return None, why
    for name in (name for option in SUPPORTING for name in entry.case.get(option, ())):
        _store(client, folder / name)
    wanted = [_store(client, folder / name) for name in (*entry.case.get("profiles", ()), *entry.against)]
    answer = _posted(client, "$validate", folder / entry.case["file"], wanted)
    if answer.status_code >= 500 or answer.json()["resourceType"] != "OperationOutcome":
        return False, f"answered {answer.status_code}: {answer.text[:300]}"
    return compared([i["diagnostics"] for i in answer.json()["issue"] if i["severity"] in ERRORS], theirs)


def _posted(client: httpx.Client, path: str, file: Path, profiles: Sequence[str] = ()) -> httpx.Response:
    media_type = "application/fhir+xml" if file.suffix == ".xml" else "application/fhir+json"
    return client.post(
        path,
        params=[("profile", url) for url in profiles],
        content=file.read_bytes(),
        headers={"Content-Type": media_type},
    )


def _store(client: httpx.Client, file: Path) -> str:
    """Create a conformance resource on the server; its canonical url."""
    resource, _ = read(file, True)
    _posted(client, str(resource["resourceType"]), file).raise_for_status()
    return str(resource.get("url", ""))
