"""``python -m tests.fuzz.chat``: schemathesis drives ``/chat`` of a server of its own by its OpenAPI description."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.chat_service import ChatService
from tests.server_process import ServerProcess

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth"
"""No 5xx, statuses and bodies as they are described, and nothing to be had without a token."""


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
        token = service.token("fuzz")
        codes = [
            subprocess.run(command(server, options, who), check=False).returncode
            for who in (token, server.tokens["admin"])
        ]
        return max(codes)


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
