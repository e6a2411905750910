"""``python -m tests.fuzz.chat``: schemathesis drives ``/chat`` of a server of its own by its OpenAPI description.

As several users, each with conversations of their own; those of the others are there and must not be seen.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.chat_service import ChatService, ChatUser
from tests.server_process import ServerProcess

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "ignored_auth,others_are_not_there"
)
"""No 5xx, statuses and bodies as they are described, nothing to be had without a token, nor by another user."""
_PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--examples", type=int, default=30, help="most requests per route (default: %(default)s)"
    )
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    more = "\n[chat]\nmessages_per_minute = 6000\n"
    with (
        tempfile.TemporaryDirectory(prefix="credence-fuzz-chat-") as folder,
        ServerProcess(Path(folder), settings=more) as server,
    ):
        service = ChatService(server)
        users = {"fuzz": service.user("fuzz"), "eve": service.user("eve", patient="Patient/eve")}
        held = {name: conversations(user) for name, user in users.items()}
        codes = [
            run(
                server,
                options,
                users[name].token,
                own,
                [one for n, o in held.items() if n != name for one in o],
            )
            for name, own in held.items()
        ]
        everybodys = [one for own in held.values() for one in own]
        codes.append(run(server, options, server.tokens["admin"], everybodys, everybodys))
        return max(codes)


def conversations(user: ChatUser) -> list[str]:
    """What a user has: some that are over, and at the end one that goes on, with messages and a picture."""
    ids: list[str] = []
    for _ in range(3):
        id = str(user.post("/conversations").json()["id"])
        user.say(id, "I need to reschedule my appointment", "k1")
        user.attach(id, _PICTURE, "image/png", "k2")
        user.post(f"/conversations/{id}/rating", {"stars": 4})
        user.post(f"/conversations/{id}/finish")
        ids.append(id)
    ids.append(str(user.post("/conversations").json()["id"]))
    assert user.say(ids[-1], "When are you open?").status_code == 200
    return ids


def run(
    server: ServerProcess, options: argparse.Namespace, token: str, ids: list[str], foreign: list[str]
) -> int:
    """Drive it as whoever has the token; ``ids`` are conversations that they name, ``foreign`` none of theirs."""
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.fuzz.chat_hooks",
        "CREDENCE_FUZZ_IDS": json.dumps({"service": ["clinic"], "conversations": ids + foreign[:1]}),
        "CREDENCE_FUZZ_OVER": json.dumps(ids[:3]),
        "CREDENCE_FUZZ_FOREIGN": json.dumps(foreign),
    }
    return subprocess.run(command(server, options, token), env=environment, check=False).returncode


def command(server: ServerProcess, options: argparse.Namespace, token: str) -> list[str]:
    """The command line of schemathesis, as whoever has the token."""
    return [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{server.root}/chat/openapi.json", "--url", f"{server.root}/chat"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", CHECKS),
        *("--phases", "examples,coverage,fuzzing"),
        *("--mode", "all"),
        *("--max-examples", str(options.examples)),
        *("--seed", str(options.seed)),
        *("--request-timeout", "70"),
        *("--workers", "1"),
        *("--continue-on-failure", "--no-color", "--suppress-health-check", "all"),
    ]


if __name__ == "__main__":
    sys.exit(main())
