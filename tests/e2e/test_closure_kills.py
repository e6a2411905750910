"""Closure tables of two workers that are killed while codes are added: nothing told is lost or said twice."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import httpx

from fhirserver.kernel.json import JsonObject, dumps, loads
from tests.server_process import ServerProcess

SYSTEM = "http://organs.example"
SIZE = 36


def nested(number: int) -> JsonObject:
    below = {"concept": [nested(number + 1)]} if number + 1 < SIZE else {}
    return {"code": f"c{number:03}", **below}


def closure(
    server: ServerProcess, *codes: str, version: str = "", client: httpx.Client | None = None
) -> JsonObject:
    parameters: list[JsonObject] = [{"name": "name", "valueString": "t"}]
    parameters += [{"name": "concept", "valueCoding": {"system": SYSTEM, "code": code}} for code in codes]
    if version:
        parameters.append({"name": "version", "valueString": version})
    body = dumps({"resourceType": "Parameters", "parameter": parameters})
    post = client.post if client else httpx.post
    answer = post(f"{server.base}/$closure", content=body, headers=server.headers, timeout=30)
    assert answer.status_code == 200, answer.text
    found: JsonObject = loads(answer.content)
    return found


def pairs(map: JsonObject) -> list[tuple[str, str]]:
    elements = [element for group in map.get("group", ()) for element in group["element"]]
    return [(element["code"], target["code"]) for element in elements for target in element["target"]]


def test_what_was_told_is_replayed_after_a_kill(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "server", workers=2) as server:
        system = {
            "resourceType": "CodeSystem",
            "id": "organs",
            "url": SYSTEM,
            "status": "active",
            "content": "complete",
            "concept": [nested(0)],
        }
        put = httpx.put(f"{server.base}/CodeSystem/organs", content=dumps(system), headers=server.headers)
        assert put.status_code == 201
        closure(server)
        told: dict[str, list[tuple[str, str]]] = {}

        def add(codes: list[str]) -> None:
            try:
                with httpx.Client() as client:  # a connection of its own: of either worker
                    for code in codes:
                        update = closure(server, code, client=client)
                        told[update["version"]] = pairs(update)
            except httpx.HTTPError:
                return

        codes = [f"c{number:03}" for number in range(SIZE)]
        random.Random(7).shuffle(codes)
        threads = [threading.Thread(target=add, args=(codes[n::4],)) for n in range(4)]
        for thread in threads:
            thread.start()
        while len(told) < SIZE // 3:
            time.sleep(0.005)
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
        whole = closure(server, version="0")
        kept, last = pairs(whole), int(whole["version"])
        assert len(set(kept)) == len(kept), "nothing is said twice"
        assert {pair for entries in told.values() for pair in entries} <= set(kept), "nothing told is lost"
        at = sorted(told, key=int)[len(told) // 2]
        later = set(pairs(closure(server, version=at)))
        for version, entries in told.items():
            assert later >= set(entries) if int(version) > int(at) else later.isdisjoint(entries)
        assert last >= max(map(int, told)), "versions go on"
        closure(server, *codes)
        everything = {(low, high) for low in codes for high in codes if high < low}
        assert sorted(pairs(closure(server, version="0"))) == sorted(everything), (
            "and the table is whole in the end"
        )
