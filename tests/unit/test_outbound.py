"""Every place in the program from which a connection goes out, so that a new one is looked at (docs/security.md)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
OPENS = {
    *("AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "AsyncConnectionPool", "AnyIOBackend"),
    *(
        "open_connection",
        "create_connection",
        "open_unix_connection",
        "SMTP",
        "AsyncOpenAI",
        "OpenAI",
        "urlopen",
    ),
}
"""What is called to reach somebody."""
HTTPX = {"get", "post", "put", "patch", "delete", "request", "stream"}
_LIKELY = re.compile(rf"\b(?:{'|'.join(sorted(OPENS))}|connect)\(|\bhttpx\.(?:{'|'.join(sorted(HTTPX))})\(")
NOT_OF_THE_SERVER = ("adapters/simulator/", "agent/simulator/", "fhirserver/storage/")
"""Simulated EHRs and telephones, which are no part of a server; the database."""
REACHED = {
    "subscriptions/channels/guarded.py": "whatever subscribers name: through the guard",
    "subscriptions/channels/mail.py": "the mail server of the settings",
    "fhirserver/app/connectors/fhir.py": "an EHR of the settings, or of an Endpoint that an admin wrote",
    "fhirserver/app/connectors/rest.py": "likewise",
    "adapters/fhir/ehr.py": "likewise; links only to its own origin and those of `also_at`",
    "adapters/openid/provider.py": "the OpenID provider of the settings",
    "adapters/fhir/smart/tokens.py": "likewise; where its configuration says that tokens come from",
    "adapters/rest/ehr.py": "likewise",
    "adapters/rest/rehearsal.py": "nobody: a transport that refuses",
    "adapters/hl7v2/mllp/client.py": "a receiver of the settings",
    "adapters/openai/settings.py": "the model of the settings",
    "agent/llm/openai_model.py": "likewise",
    "agent/speech/openai/settings.py": "likewise",
    "agent/live/remote.py": "the telephone's process of the same settings",
    "agent/live/remote_sound.py": "likewise",
    "agent/tools/client.py": "the FHIR server of the settings",
    "agent/telephony/rest.py": "Twilio's API of the settings",
    "agent/telephony/media_files.py": "Twilio's API of the settings, and addresses of Twilio's it leads to",
    "agent/campaigns/beside.py": "the server of the settings",
    "agent/channels/chat_client.py": "the server that the command line names",
    "adapters/platform_client/client.py": "the server that whoever uses it names",
    "fhirserver/app/commands/connectors.py": "the server that the command line names",
    "fhirserver/app/commands/call_out.py": "likewise",
    "fhirserver/app/commands/chat.py": "likewise",
    "fhirserver/app/relay.py": "another worker of the same server, over a socket that only this user opens",
    "fhirserver/app/loading.py": "likewise",
    "fhirserver/app/demo/world.py": "the demo's own processes",
    "fhirserver/app/demo/processes.py": "likewise",
    "fhirserver/app/demo/telephone.py": "likewise",
    "fhirserver/app/demo/outreach.py": "likewise",
    "fhirserver/app/embedded.py": "a server in the same process",
    "fhirserver/app/voice/evaluation.py": "a telephone in the same process",
    "fhirserver/app/chat_evaluation.py": "a server in the same process",
}


def _calls(path: Path) -> Iterator[str]:
    source = path.read_text("utf-8")
    if not _LIKELY.search(source):  # to parse them all takes seconds
        return
    apps = {"Client"} if "smart.clients import" in source or "class Client" in source else set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute):
            of_httpx = isinstance(node.func.value, ast.Name) and node.func.value.id == "httpx"
            if node.func.attr in OPENS or (of_httpx and node.func.attr in HTTPX):
                yield node.func.attr
        elif isinstance(node.func, ast.Name) and node.func.id in (OPENS | {"connect"}) - apps:
            yield node.func.id


def reaching() -> set[str]:
    found = set()
    for package in ("fhirserver", "adapters", "subscriptions", "agent", "terminology"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(NOT_OF_THE_SERVER) and any(_calls(path)):
                found.add(name)
    return found


def test_every_way_out_is_known() -> None:
    assert reaching() == set(REACHED), "see docs/security.md#what-goes-out before you add one here"
