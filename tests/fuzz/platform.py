"""``python -m tests.fuzz.platform``: schemathesis drives ``/platform`` by its description, once for each role.

What must hold of every answer: no 5xx, a status and a body that the description says, and nothing done for a role
without the right (:mod:`tests.fuzz.platform_hooks`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.fuzz.platform_seeds import CONNECTOR, seed
from tests.platform_client import ROLES
from tests.server_process import ServerProcess

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,ignored_auth,right_is_enforced"
)
ENDLESS = "stream_events"
"""An operation whose answer goes on for ever."""
SETTINGS = "[limits]\nfailed_sign_ins_per_minute = 1000000\n"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--roles", default=",".join(ROLES), help="default: %(default)s")
    arguments.add_argument("--examples", type=int, default=30, help="most requests per operation")
    arguments.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    arguments.add_argument("--tags", default=".", help="a regular expression for the tags (default: all)")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="credence-platform-") as folder,
        fuzzed_server(Path(folder)) as server,
    ):
        done = [run(server, role, options).returncode for role in options.roles.split(",")]
    return max(done)


def fuzzed_server(folder: Path) -> ServerProcess:
    """A server that does not lose patience, with a connector whose EHR is not there."""
    token = folder / "clinic-token"
    token.write_text("a-token-of-no-ehr")
    return ServerProcess(folder, settings=SETTINGS + CONNECTOR.format(token=token))


def run(
    server: ServerProcess, role: str, options: argparse.Namespace, taken_for: str = "", **output: int
) -> subprocess.CompletedProcess[str]:
    """Drive it as one role, whose rights are those of ``taken_for`` where that is said."""
    key, named = key_of(server, role), f"{role}-{time.time_ns() % 10**9}"
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.fuzz.platform_hooks",
        "CREDENCE_FUZZ_ROLE": taken_for or role,
        "CREDENCE_FUZZ_IDS": json.dumps(seed(server, named)),
    }
    asked = command(server, key, options)
    return subprocess.run(asked, env=environment, check=False, text=True, **output)  # type: ignore[call-overload,no-any-return]


def key_of(server: ServerProcess, role: str) -> str:
    """A new key of a role."""
    made = httpx.post(
        f"{server.root}/platform/keys",
        headers=server.headers_of("admin"),
        json={"name": f"Fuzzing as {role}", "role": role},
    )
    assert made.status_code == 201, made.text
    return str(made.json()["key"])


def command(server: ServerProcess, key: str, options: argparse.Namespace) -> list[str]:
    """The command line of schemathesis."""
    return [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{server.root}/platform/openapi.json"),
        *("--url", f"{server.root}/platform"),
        *("--header", f"Authorization: Bearer {key}"),
        *("--checks", CHECKS),
        *("--exclude-operation-id", ENDLESS),
        *("--include-tag-regex", options.tags),
        *("--phases", options.phases),
        *("--mode", "all"),
        *("--max-examples", str(options.examples)),
        *("--seed", str(options.seed)),
        *("--request-timeout", "20"),
        *("--workers", "1"),
        *("--continue-on-failure", "--no-color", "--suppress-health-check", "all"),
    ]


if __name__ == "__main__":
    sys.exit(main())
