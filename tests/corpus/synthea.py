"""Synthea bundles: each loads, everything is found again, and a rebuild from the log gives the same bytes.

The hospitals and practitioners (``0-*``) go first, because the patients' transactions refer to them
conditionally.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from fhirserver.model.definitions import definitions
from tests.corpus.fhir_r4_examples import exact, read_archive, unequal
from tests.corpus.suite import Case
from tests.server_process import ServerFailed, ServerProcess

Json = dict[str, Any]


def run(archive: Path) -> Iterator[Case]:
    """For each bundle the cases ``loads``, ``read``, ``search``; in the end ``rebuild --verify``."""
    with tempfile.TemporaryDirectory(prefix="credence-synthea-") as folder:
        server = ServerProcess(Path(folder))
        with server, httpx.Client(base_url=server.base, headers=server.headers, timeout=300) as client:
            loader = Loader(client)
            for name, content in read_archive(archive):
                yield f"{name} loads", *_verdict(loader.load(content))
                yield f"{name} read", *_verdict(loader.read_back())
                yield f"{name} search by patient", *_verdict(loader.found_by_patient())
        yield "rebuild --verify", *_verdict(_rebuild(server))


def _verdict(problem: str) -> tuple[bool, str]:
    return not problem, problem


def _rebuild(server: ServerProcess) -> str:
    try:
        server.rebuild_and_verify()
    except ServerFailed as error:
        return str(error)
    return ""


class Loader:
    """Loads bundles one after another and remembers where their resources went."""

    def __init__(self, client: httpx.Client):
        self.client = client
        self.places: dict[str, str] = {}
        """fullUrl and ``Type?identifier=system|value`` to ``Type/id``."""
        self.loaded: dict[str, Json] = {}
        """The resources of the last bundle by ``Type/id``."""

    def load(self, content: bytes) -> str:
        """Post one bundle; why it failed, or nothing."""
        self.loaded = {}
        try:
            bundle = exact(content)
        except ValueError as error:
            return f"not JSON: {error}"
        answer = self.client.post("", content=content)
        if answer.status_code != 200:
            return f"answered {answer.status_code}: {answer.text[:300]}"
        entries = answer.json()["entry"]
        statuses = [entry["response"]["status"][:3] for entry in entries]
        if len(entries) != len(bundle["entry"]) or set(statuses) - {"200", "201"}:
            return f"{len(entries)} of {len(bundle['entry'])} entries, statuses {sorted(set(statuses))}"
        for asked, done in zip(bundle["entry"], entries, strict=True):
            self._remember(asked, done["response"]["location"])
        return ""

    def _remember(self, asked: Json, location: str) -> None:
        place = "/".join(location.split("/_history")[0].split("/")[-2:])
        resource = asked["resource"]
        self.loaded[place] = resource
        self.places[asked.get("fullUrl", "")] = place
        for one in resource.get("identifier", ()):
            self.places[f"{resource['resourceType']}?identifier={one.get('system')}|{one.get('value')}"] = (
                place
            )

    def read_back(self) -> str:
        """Read every resource of the last bundle and compare it, its references resolved."""
        wrong = [place for place, sent in self.loaded.items() if self._differs(place, sent)]
        return (
            f"{len(wrong)} of {len(self.loaded)} differ: {', '.join(wrong[:5])}" if wrong else self._nothing()
        )

    def _nothing(self) -> str:
        return "" if self.loaded else "nothing was loaded"

    def _differs(self, place: str, sent: Json) -> bool:
        answer = self.client.get(place)
        wanted = self._resolved({**sent, "id": place.split("/")[1]})
        return answer.status_code != 200 or bool(unequal(wanted, exact(answer.content)))

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(one) for one in value]
        if not isinstance(value, dict):
            return value
        resolved = {name: self._resolved(one) for name, one in value.items()}
        if isinstance(value.get("reference"), str):
            resolved["reference"] = self.places.get(value["reference"], value["reference"])
        return resolved

    def found_by_patient(self) -> str:
        """For each type of the last bundle: a search on the patient finds exactly what was loaded."""
        patient = next((place for place in self.loaded if place.startswith("Patient/")), "")
        if not patient:
            return self._nothing()
        expected: dict[str, set[str]] = defaultdict(set)
        for place in self.loaded:
            expected[place.split("/")[0]].add(place)
        wrong = [type for type, places in expected.items() if not self._holds(type, patient, places)]
        return f"not the loaded resources: {', '.join(sorted(wrong))}" if wrong else ""

    def _holds(self, type: str, patient: str, places: set[str]) -> bool:
        found = self._search(type, patient)
        # The server makes a Provenance of its own for every command.
        return found is None or (places <= found if type == "Provenance" else places == found)

    def _search(self, type: str, patient: str) -> set[str] | None:
        """What a search of ``type`` by its patient finds; None where it has no such parameter."""
        parameters = definitions().search_parameters(type)
        code = "_id" if type == "Patient" else "patient" if "patient" in parameters else ""
        if not code:
            return None
        found: set[str] = set()
        params: dict[str, str] | None = {
            code: patient.split("/")[1] if code == "_id" else patient,
            "_count": "100",
        }
        url: str | None = type
        while url:
            answer = self.client.get(url, params=params)
            answer.raise_for_status()
            bundle = answer.json()
            found |= {f"{type}/{entry['resource']['id']}" for entry in bundle.get("entry", ())}
            url = next((link["url"] for link in bundle.get("link", ()) if link["relation"] == "next"), None)
            params = None
        return found
