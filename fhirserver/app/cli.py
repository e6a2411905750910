"""``credence``: the command line. Each command imports what it needs when it runs, so that help is quick."""

from __future__ import annotations

import os
import sys

COMMANDS = {
    "serve": ("run the FHIR server", "fhirserver.app.commands.serve"),
    "init": ("write a configuration with fresh tokens", "fhirserver.app.commands.init"),
    "users": ("add, list and remove the people who sign in", "fhirserver.app.commands.users"),
    "load": ("load a FHIR package: profiles, value sets …", "fhirserver.app.commands.load"),
    "terminology": ("import, list and remove big code systems", "fhirserver.app.commands.terminology"),
    "rebuild": ("make all projections again from the log, or verify them", "fhirserver.app.commands.rebuild"),
    "audit": ("verify, export and shorten the audit trail", "fhirserver.app.commands.audit"),
    "policy": ("check, explain and compare policy files", "fhirserver.app.commands.policy"),
    "hl7": ("send, list, replay and explain HL7v2 messages", "fhirserver.app.commands.hl7"),
    "rest": ("check, explain and test mapping files for REST EHRs", "fhirserver.app.commands.rest"),
    "openapi": ("print the OpenAPI description of the REST API", "fhirserver.app.commands.openapi"),
    "server-key": ("change the key that the server signs with", "fhirserver.app.commands.server_key"),
    "connectors": ("see and steer the connectors of a running server", "fhirserver.app.commands.connectors"),
    "call": ("call the agent in a terminal", "fhirserver.app.commands.call"),
    "chat": ("chat with the agent in a terminal", "fhirserver.app.commands.chat"),
    "call-out": ("have the agent call a patient by telephone", "fhirserver.app.commands.call_out"),
    "voice": ("answer the telephone: Twilio's webhooks and media streams", "fhirserver.app.commands.voice"),
    "simulate-phone": (
        "call the agent as Twilio would, with sound, or be called",
        "fhirserver.app.commands.simulate_phone",
    ),
    "eval": ("play scenarios against the agent and judge them", "fhirserver.app.commands.eval"),
    "simulate-ehr": ("run a simulated EHR with faults", "fhirserver.app.commands.simulate_ehr"),
    "clients": ("list, add and remove the apps that may ask for tokens", "fhirserver.app.commands.clients"),
    "keys": ("list and rotate the keys that sign tokens", "fhirserver.app.commands.keys"),
    "platform-key": (
        "create, list, rotate and revoke the keys of programs",
        "fhirserver.app.commands.platform_key",
    ),
    "demo": ("play the whole story on this machine", "fhirserver.app.commands.demo"),
    "doctor": ("check the configuration and what it needs", "fhirserver.app.commands.doctor"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help", "help"):
        return _print(usage())
    if given[0] in ("-V", "--version"):
        from importlib.metadata import version

        return _print(f"credence {version('credence')}")
    if given[0] not in COMMANDS:
        print(f"credence: no command '{given[0]}'\n\n{usage()}", file=sys.stderr)
        return 2
    os.umask(0o077)  # data, recordings, sessions: what is written is for this user alone
    from importlib import import_module

    command = import_module(COMMANDS[given[0]][1])
    return int(command.run(given[1:]) or 0)


def _print(text: str) -> int:
    """Print; a reader who went away (``credence --help | head -1``) is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def usage() -> str:
    """What the commands are."""
    lines = [f"  {name:14} {text}" for name, (text, _) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: credence COMMAND [options]",
            "",
            *lines,
            "",
            "'credence COMMAND --help' says what a command takes.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
