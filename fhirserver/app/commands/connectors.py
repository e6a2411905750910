"""``credence connectors``: see and steer the connectors of a running server."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fhirserver.app.commands.options import parser, settings
from fhirserver.world.vocabulary import CONNECTOR_NAME, TASK_CODE

if TYPE_CHECKING:
    import httpx

TOKEN = "CREDENCE_TOKEN"  # noqa: S105 - the name of a variable
_SECONDS = 60.0


class Failed(Exception):
    """The server refused or cannot be reached; the message says why."""


class Server:
    """A running server, over HTTP."""

    def __init__(self, http: httpx.Client):
        self._http = http

    def ask(self, method: str, path: str, **parameters: Sequence[str]) -> dict[str, Any]:
        """The body of a successful answer. Raises :class:`Failed`."""
        import httpx

        given = [{"name": n, "valueString": v} for n, values in parameters.items() for v in values]
        body: dict[str, Any] = {"resourceType": "Parameters", **({"parameter": given} if given else {})}
        try:
            answer = self._http.request(method, path, json=body if method == "POST" else None)
        except httpx.HTTPError as error:
            raise Failed(f"the server does not answer ({type(error).__name__})") from None
        found = answer.json() if answer.content else {}
        if answer.is_success:
            return dict(found)
        said = "; ".join(str(issue.get("diagnostics", "")) for issue in found.get("issue", ()))
        raise Failed(f"{answer.status_code}: {said}")

    def pages(self, path: str) -> list[dict[str, Any]]:
        """All resources of a searchset."""
        found: list[dict[str, Any]] = []
        while path:
            bundle = self.ask("GET", path)
            found += [entry["resource"] for entry in bundle.get("entry", ())]
            path = next((one["url"] for one in bundle.get("link", ()) if one["relation"] == "next"), "")
        return found

    def connectors(self) -> dict[str, str]:
        """Their Endpoints' ids by name."""
        endpoints = self.pages(f"Endpoint?identifier={CONNECTOR_NAME}|&_count=200")
        return {
            one["value"]: endpoint["id"]
            for endpoint in endpoints
            for one in endpoint.get("identifier", ())
            if one.get("system") == CONNECTOR_NAME
        }

    def endpoint(self, name: str) -> str:
        """The id of a connector's Endpoint."""
        known = self.connectors()
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise Failed(f"there is no connector '{name}'; there are: {there}")
        return known[name]


def run(arguments: list[str]) -> int:
    """One of six actions. Exit 1 where the server refuses, 2 for what cannot be asked."""
    options = _options().parse_args(arguments)
    import httpx

    chosen = settings(options) if not options.server else None
    base = options.server or (chosen.fhir_base if chosen else "")
    headers = {"Accept": "application/fhir+json"}
    if options.token:
        headers["Authorization"] = f"Bearer {options.token}"
    verify = (chosen.own_context() if chosen else None) or True
    with httpx.Client(
        base_url=base.rstrip("/") + "/", headers=headers, timeout=_SECONDS, verify=verify
    ) as http:
        try:
            return _ACTIONS[options.action](Server(http), options)
        except Failed as failed:
            print(f"credence connectors: {failed}", file=sys.stderr)
            return 1


def _options() -> argparse.ArgumentParser:
    made = parser("connectors", "See and steer the connectors of a running server.")
    made.add_argument("--server", metavar="URL", help="the FHIR base (default: that of the settings)")
    made.add_argument(
        "--token",
        default=os.environ.get(TOKEN, ""),
        help=f"bearer token of a principal with the role 'operator' (default: {TOKEN} of the environment)",
    )
    actions = made.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="all connectors and how they are doing")
    for name, text in _NAMED.items():
        actions.add_parser(name, help=text).add_argument("name", help="the connector's name")
    retry = actions.add_parser("retry", help="try dead letters again")
    retry.add_argument("name", help="the connector's name")
    retry.add_argument("task", nargs="*", help="ids of the Tasks; all of them without")
    return made


_NAMED = {
    "sync": "pull now, and try what waits to be written",
    "pause": "ask nothing of the EHR any more",
    "resume": "let the connector work again",
    "dead-letters": "what could not be written to the EHR, or taken in from it",
}


def _list(server: Server, options: argparse.Namespace) -> int:
    rows = [("NAME", "STATE", "FRESHNESS", "BREAKER", "QUEUE", "LAG", "DEAD", "ERROR")]
    for name, id in sorted(server.connectors().items()):
        told = _values(server.ask("GET", f"Endpoint/{id}/$connector-status"))
        lag = f"{float(told['lag']):.0f}s"
        cells = [told["state"], told["freshness"], told["breaker"], told["queue"], lag, told["deadLetters"]]
        rows.append((name, *map(str, cells), str(told.get("problem") or told.get("error", ""))))  # type: ignore[arg-type]
    print(_table(rows))
    return 0


def _values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        one["name"]: value
        for one in parameters.get("parameter", ())
        for name, value in one.items()
        if name.startswith("value")
    }


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _sync(server: Server, options: argparse.Namespace) -> int:
    server.ask("POST", f"Endpoint/{server.endpoint(options.name)}/$sync")
    print(f"{options.name}: asked for")
    return 0


def _pause(server: Server, options: argparse.Namespace) -> int:
    return _switch(server, options, "pause")


def _resume(server: Server, options: argparse.Namespace) -> int:
    return _switch(server, options, "resume")


def _switch(server: Server, options: argparse.Namespace, operation: str) -> int:
    endpoint = server.ask("POST", f"Endpoint/{server.endpoint(options.name)}/${operation}")
    print(f"{options.name}: {endpoint['status']}")
    return 0


def _dead_letters(server: Server, options: argparse.Namespace) -> int:
    tasks = server.pages(f"Endpoint/{server.endpoint(options.name)}/$dead-letters")
    rows = [("TASK", "SINCE", "KIND", "ABOUT", "WHY"), *(_row(task) for task in tasks)]
    print(_table(rows) if tasks else f"{options.name}: no dead letters")
    return 0


def _row(task: Mapping[str, Any]) -> tuple[str, ...]:
    kind = next((c["code"] for c in task["code"]["coding"] if c.get("system") == TASK_CODE), "")
    record = next((one.get("valueString", "") for one in task.get("input", ())), "")
    about = task.get("focus", {}).get("reference") or record
    why = task.get("statusReason", {}).get("text", "")
    return task["id"], str(task.get("authoredOn", ""))[:19], kind, str(about).partition("/_history")[0], why


def _retry(server: Server, options: argparse.Namespace) -> int:
    answer = server.ask("POST", f"Endpoint/{server.endpoint(options.name)}/$retry", task=options.task)
    results = [_values({"parameter": one["part"]}) for one in answer.get("parameter", ())]
    bad = [one for one in results if one["status"] != 200]
    print(f"{options.name}: {len(results) - len(bad)} are tried again")
    for one in bad:
        print(
            f"{one['task']['reference']}: {one['status']}, not a dead letter of this connector",
            file=sys.stderr,
        )
    return 1 if bad else 0


_ACTIONS: Mapping[str, Callable[[Server, argparse.Namespace], int]] = {
    "list": _list,
    "sync": _sync,
    "pause": _pause,
    "resume": _resume,
    "dead-letters": _dead_letters,
    "retry": _retry,
}
