"""``credence init``: a configuration with fresh random tokens, printed once."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

from fhirserver.access.principals import token_digest

_TEMPLATE = """\
# Written by `credence init`. Every setting is explained in docs/settings.md.
# Tokens are kept as SHA-256 only; they were printed once, when this file was made.

[server]
host = "127.0.0.1"
port = 8080
workers = 0                  # processes that serve; 0: one per processor

[storage]
kind = "sqlite"              # or "mongo" with url = "mongodb://…"
path = "var/credence.db"

[[source]]                   # a person at the console: may correct (1.0) and approve (0.95)
id = "operator"
kind = "operator"

[[source]]                   # your EHR: authoritative
id = "ehr"
kind = "ehr"
authoritative = true

[[source]]                   # the voice agent: never above 0.5, acts on schedules
id = "voice-agent"
kind = "agent"
base = 0.3
maximum = 0.5
types = ["Patient", "Appointment", "Slot", "Coverage", "Communication", "DocumentReference", "Composition", "Binary",
         "Flag", "Task", "Observation", "Media", "MeasureReport", "AuditEvent", "CommunicationRequest", "Group",
         "Questionnaire", "QuestionnaireResponse"]
acts_on = ["Appointment", "Slot", "Communication", "DocumentReference", "Flag", "Task", "CommunicationRequest", "Group",
           "Questionnaire"]

[[source]]                   # what patients write into forms: never above 0.5
id = "patient-form"
kind = "form"
base = 0.5
maximum = 0.5
types = ["Patient", "Coverage", "QuestionnaireResponse", "DocumentReference", "Media", "Communication", "Task",
         "Consent", "RelatedPerson", "AllergyIntolerance", "MedicationStatement", "Appointment"]
acts_on = ["QuestionnaireResponse", "Communication", "Task", "Appointment"]
"""

_PRINCIPAL = """
[[principal]]
name = "{name}"
source = "{source}"
roles = {roles}
token_sha256 = "{digest}"
"""

PRINCIPALS = (
    ("admin", "operator", '["admin"]'),
    ("ehr", "ehr", '["read", "write"]'),
    ("voice-agent", "voice-agent", '["read", "write"]'),
    ("privacy-officer", "operator", '["privacy"]'),
)


def run(arguments: list[str]) -> int:
    """Write the file and print the tokens. Refuses to overwrite."""
    options = argparse.ArgumentParser(
        prog="credence init", description="Write a configuration with fresh tokens."
    )
    options.add_argument("--config", type=Path, default=Path("credence.toml"), help="default: %(default)s")
    options.add_argument(
        "--storage", choices=("sqlite", "mongo"), default="sqlite", help="default: %(default)s"
    )
    options.add_argument("--token-file", type=Path, help="also write the tokens there, as NAME=TOKEN lines")
    chosen = options.parse_args(arguments)
    if chosen.config.exists():
        print(f"credence: {chosen.config} is there already; move it away first", file=sys.stderr)
        return 2
    text, tokens = configuration(chosen.storage)
    chosen.config.parent.mkdir(parents=True, exist_ok=True)
    _write_private(chosen.config, text)
    lines = [f"{name}={token}" for name, token in tokens.items()]
    if chosen.token_file:
        _write_private(chosen.token_file, "\n".join(lines) + "\n")
    print(f"wrote {chosen.config}\n\nBearer tokens, shown this once:")
    print("\n".join(f"  {line}" for line in lines))
    return 0


def configuration(storage: str = "sqlite") -> tuple[str, dict[str, str]]:
    """The text of a fresh configuration for a kind of storage, and the tokens by principal."""
    tokens = {name: new_token() for name, _, _ in PRINCIPALS}
    principals = [
        _PRINCIPAL.format(name=name, source=source, roles=roles, digest=token_digest(tokens[name]))
        for name, source, roles in PRINCIPALS
    ]
    template = _TEMPLATE.replace('kind = "sqlite"', f'kind = "{storage}"')
    return template + "".join(principals), tokens


def new_token() -> str:
    """A fresh bearer token: 256 bits behind a prefix by which scanners know it, and which keeps it from beginning with
    a dash, as what follows an option on a command line must not."""
    return "crd_" + secrets.token_urlsafe(32)


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
