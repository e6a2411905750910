"""What a client brings to one worker and has kept, the other one knows."""

from __future__ import annotations

from pathlib import Path

import httpx

from fhirserver.kernel.json import JsonObject, dumps
from tests.server_process import ServerProcess

SYSTEM: JsonObject = {
    "resourceType": "CodeSystem",
    "url": "http://example.org/brought",
    "status": "active",
    "content": "complete",
    "concept": [{"code": "a"}],
}


def asked(server: ServerProcess, cache: str, *more: JsonObject) -> JsonObject:
    """By a connection of its own: of either worker."""
    given = [{"name": "url", "valueUri": SYSTEM["url"]}, {"name": "code", "valueCode": "a"}]
    body = {
        "resourceType": "Parameters",
        "parameter": [*given, {"name": "cache-id", "valueId": cache}, *more],
    }
    path = f"{server.base}/CodeSystem/$validate-code"
    answer = httpx.post(path, content=dumps(body), headers=server.headers, timeout=30, verify=False)
    assert answer.status_code == 200, answer.text
    found: JsonObject = answer.json()
    return found


def result(answer: JsonObject) -> bool:
    return next(bool(one["valueBoolean"]) for one in answer["parameter"] if one["name"] == "result")


def test_both_workers_know_what_one_was_brought(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server", workers=2) as server:
        assert result(asked(server, "mine", {"name": "tx-resource", "resource": SYSTEM}))
        assert all(result(asked(server, "mine")) for _ in range(24))
        assert not any(result(asked(server, "other")) for _ in range(6))
