"""The audit trail before and after: each attack must have left an AuditEvent that says what became of it.

::

    trail.refused(answer, 403, "forbidden")       # at once: the answer; when all is over: its AuditEvent
    trail.seen(answer)                            # it revealed nothing; that it was asked is noted all the same

An entry is written within a second, so what is expected is collected and looked for once: by the privacy officer, or
by ``credence audit export`` where there are thousands.
"""

from __future__ import annotations

import base64
import io
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from fhirserver.app.commands import audit
from fhirserver.kernel.json import loads
from tests.attacks.wire import Answer
from tests.attacks.world import wire
from tests.server_process import ServerProcess

WRITTEN_SECONDS = 1.1
_TRIES = 3


class Expected(NamedTuple):
    """What the trail must say of one request. ``outcome`` as ``403 forbidden``, empty for what was answered;
    ``asked`` is in the query that is noted; ``hidden`` is in nothing of it."""

    test: str
    asked_as: str
    outcome: str
    who: str = ""
    asked: str = ""
    address: str = ""
    hidden: re.Pattern[str] | None = None


class Trail:
    """What has been noted since this was made."""

    def __init__(self, server: ServerProcess, exported: bool = False):
        self._server, self._exported = server, exported
        self._officer = wire(server, "privacy-officer")
        self._since = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._before = {event["id"] for event in self._read()}
        self._expected: dict[str, Expected] = {}
        self._absent: set[str] = set()

    def __len__(self) -> int:
        return len(self._expected)

    def refused(self, answer: Answer, status: int, error: str, who: str = "", noted: str = "") -> None:
        """The answer is a refusal with this status and code, and the trail says so. ``noted``: as what, where the
        answer itself is a page or a redirect."""
        assert (answer.status, answer.error) == (status, error), answer
        self._expect(answer, Expected(_test(), answer.asked, noted or f"{status} {error}", who))

    def noted(self, answer: Answer, outcome: str, who: str = "") -> None:
        """The trail says this of a request whose answer was looked at already."""
        self._expect(answer, Expected(_test(), answer.asked, outcome, who))

    def seen(
        self, answer: Answer, who: str = "", asked: str = "", hidden: re.Pattern[str] | None = None
    ) -> None:
        """It was answered, and the trail says who asked, and what; and of nothing ``hidden`` that it was shown."""
        assert answer.status < 400, answer
        self._expect(answer, Expected(_test(), answer.asked, "", who, asked, hidden=hidden))

    def told(self, id: str, outcome: str, attack: str) -> None:
        """The trail says this of a request that is known by its id alone."""
        self._expected[id] = Expected(_test(), attack, outcome)

    def never(self, id: str) -> None:
        """There was no such request."""
        self._absent.add(id)

    def address(self, answer: Answer, address: str) -> None:
        """The trail says that it came from there."""
        self._expected[answer.id] = self._expected[answer.id]._replace(address=address)

    def _expect(self, answer: Answer, expected: Expected) -> None:
        assert answer.id and answer.id not in self._expected, "each request is told of by an id of its own"
        self._expected[answer.id] = expected

    def settle(self) -> None:
        """Compare. Raises AssertionError that names every attack of which the trail does not say what it must."""
        if not self._expected:
            self._officer.close()
            return
        found: dict[str, list[Mapping[str, Any]]] = {}
        for _ in range(_TRIES):
            time.sleep(WRITTEN_SECONDS)
            found = self._by_request()
            if self._expected.keys() <= found.keys():
                break
        wrong = [
            f"{one.test}: {one.asked_as[:300]}: {problem}"
            for id, one in self._expected.items()
            if (problem := _problem(one, found.get(id, ())))
        ]
        wrong += [f"{id} was answered" for id in self._absent & found.keys()]
        count = len(self._expected)
        self._expected = {}
        self._officer.close()
        assert not wrong, f"{len(wrong)} of {count} are not in the trail as they were:\n" + "\n".join(
            wrong[:40]
        )

    def _by_request(self) -> dict[str, list[Mapping[str, Any]]]:
        found: dict[str, list[Mapping[str, Any]]] = {}
        for event in self._read():
            if event["id"] not in self._before:
                found.setdefault(_request(event), []).append(event)
        return found

    def _read(self) -> list[dict[str, Any]]:
        if self._exported:
            return self._export()
        events: list[dict[str, Any]] = []
        path = f"/fhir/AuditEvent?date=ge{quote(self._since)}&_sort=date&_count=1000"
        while path:
            answer = self._officer.get(path)
            if answer.status == 503:
                continue
            assert answer.status == 200, answer
            bundle = answer.json()
            events += [entry["resource"] for entry in bundle.get("entry", ())]
            links = {link["relation"]: link["url"] for link in bundle.get("link", ())}
            parts = urlsplit(links.get("next", ""))
            path = f"{parts.path}?{parts.query}" if parts.path else ""
        return events

    def _export(self) -> list[dict[str, Any]]:
        out = self._server.directory / "audit.ndjson"
        where = ["--config", str(self._server.config), "--data", str(self._server.data)]
        with redirect_stderr(io.StringIO()):
            assert audit.run(["export", *where, "--since", self._since, "--out", str(out)]) == 0
        return [loads(line) for line in out.read_bytes().splitlines()]


def _test() -> str:
    return os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0].rpartition("::")[2]


def _request(event: Mapping[str, Any]) -> str:
    """The X-Request-Id of what an AuditEvent is about."""
    for entity in event.get("entity", ()):
        if entity.get("type", {}).get("code") == "XrequestId":
            return str(entity["what"]["identifier"]["value"])
    return ""


def _problem(expected: Expected, events: Sequence[Mapping[str, Any]]) -> str:
    """What is not as it must be; empty where all is."""
    if not events:
        return "there is no AuditEvent"
    fitting = [event for event in events if _fits(str(event.get("outcomeDesc", "")), expected.outcome)]
    if not fitting:
        return f"noted as {[event.get('outcomeDesc', '') for event in events]}, not as '{expected.outcome}'"
    if expected.outcome and not all(event["outcome"] in ("4", "8") for event in fitting):
        return "noted as a success"
    if expected.who and not any(_who(event) == expected.who for event in fitting):
        return f"noted as done by {[_who(event) for event in fitting]}, not by {expected.who}"
    if expected.asked and not any(expected.asked in _query(event) for event in fitting):
        return f"noted as {[_query(event) for event in fitting]}, not as {expected.asked}"
    if expected.address and not any(_address(event) == expected.address for event in fitting):
        return f"noted as from {[_address(event) for event in fitting]}, not from {expected.address}"
    if expected.hidden and any(expected.hidden.search(_shown(event)) for event in fitting):
        return "what is hidden is noted as shown"
    return ""


def _fits(told: str, outcome: str) -> bool:
    """A status alone stands for any reason: where the answer has no body, it cannot say which."""
    return told == outcome or (outcome.isdigit() and told.partition(" ")[0] == outcome)


def _who(event: Mapping[str, Any]) -> str:
    return str(event["agent"][0]["who"].get("identifier", {}).get("value", ""))


def _address(event: Mapping[str, Any]) -> str:
    return str(event["agent"][0].get("network", {}).get("address", ""))


def _query(event: Mapping[str, Any]) -> str:
    asked = next((one["query"] for one in event.get("entity", ()) if "query" in one), "")
    return base64.b64decode(asked).decode()


def _shown(event: Mapping[str, Any]) -> str:
    """The versions that were given out."""
    referred = (one.get("what", {}).get("reference", "") for one in event.get("entity", ()))
    return " ".join(one for one in referred if "/_history/" in one)
