"""``python -m tests.fuzz.described``: schemathesis drives a server of its own by the OpenAPI description."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.server_process import ServerProcess

TYPES = "Patient,Observation,Task,ValueSet,CodeSystem,Questionnaire,Bundle,List"
CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance"
"""What must hold of every answer: no 5xx, and the body that the description says, for 4xx an OperationOutcome."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--types", default=TYPES, help="resource types (default: %(default)s)")
    arguments.add_argument(
        "--examples", type=int, default=30, help="most requests per route (default: %(default)s)"
    )
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.described_hooks"}
    with (
        tempfile.TemporaryDirectory(prefix="credence-schemathesis-") as folder,
        ServerProcess(Path(folder)) as server,
    ):
        return subprocess.run(command(server, options), env=environment, check=False).returncode


def command(server: ServerProcess, options: argparse.Namespace) -> list[str]:
    """The command line of schemathesis."""
    return [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", f"{server.base}/openapi.json?_type={options.types}"),
        *("--header", f"Authorization: Bearer {server.tokens['admin']}"),
        *("--checks", CHECKS),
        *("--phases", "examples,coverage,fuzzing"),
        *("--mode", "all"),
        *("--max-examples", str(options.examples)),
        *("--seed", str(options.seed)),
        *("--request-timeout", "20"),
        *("--workers", "1"),
        *("--continue-on-failure", "--no-color", "--suppress-health-check", "all"),
    ]


if __name__ == "__main__":
    sys.exit(main())
