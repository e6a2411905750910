"""``credence call-out``: have the agent call a patient."""

from __future__ import annotations

import argparse
import json
import os
import sys
import uuid

import httpx

_SECONDS = 45.0


def run(arguments: list[str]) -> int:
    """Order one call; 0 where it was placed, or had been placed before under the same id."""
    options = _parser().parse_args(arguments)
    if not options.token:
        return _wrong("give --token (an operator's), or CREDENCE_TOKEN in the environment")
    order = {
        "id": options.id or str(uuid.uuid4()),
        "to": options.to,
        "patient": options.patient,
        "reason": options.reason,
    }
    url = f"{options.server.rstrip('/').removesuffix('/fhir')}/live/calls"
    try:
        answer = httpx.post(
            url, json=order, headers={"Authorization": f"Bearer {options.token}"}, timeout=_SECONDS
        )
    except httpx.HTTPError as error:
        return _wrong(
            f"{options.server} does not answer ({type(error).__name__}); ask again with --id {order['id']}"
        )
    try:
        told = answer.json()
    except ValueError:
        return _wrong(f"{url} answers {answer.status_code}")
    if not answer.is_success:
        issue = (told.get("issue") or [{}])[0]
        return _wrong(f"refused ({answer.status_code}): {issue.get('diagnostics', '')}")
    _show(told, options.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    from agent.errand import PURPOSES

    parser = argparse.ArgumentParser(prog="credence call-out", description="Have the agent call a patient.")
    add = parser.add_argument
    add("--to", required=True, help="the number, such as +15555550123; it must be on the patient's record")
    add("--patient", required=True, help="such as Patient/123")
    add("--reason", choices=PURPOSES, default="confirm", help="why the agent calls (default: %(default)s)")
    add("--id", default="", help="the name of this call: the same again calls once (default: a new one)")
    add("--server", default="http://127.0.0.1:8080", help="default: %(default)s")
    add("--token", default=os.environ.get("CREDENCE_TOKEN", ""), help="an operator's; or CREDENCE_TOKEN")
    add("--json", action="store_true", help="print the answer as JSON")
    return parser


def _show(told: dict[str, object], as_json: bool) -> None:
    if as_json:
        print(json.dumps(told, indent=1))
        return
    state = f"{told['status']}{': ' + str(told['why']) if told['why'] else ''}"
    before = "ordered before" if told["repeated"] else "calling"
    print(f"{before} ({told['id']}); {told['communication']} is {state}")


def _wrong(problem: str) -> int:
    print(f"credence call-out: {problem}", file=sys.stderr)
    return 2
