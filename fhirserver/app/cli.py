"""``credence``: the command line. Each command imports what it needs when it runs, so that help is quick."""

from __future__ import annotations

import sys

COMMANDS = {
    "serve": ("run the FHIR server", "fhirserver.app.commands.serve"),
    "init": ("write a configuration with fresh tokens", "fhirserver.app.commands.init"),
    "rebuild": ("make all projections again from the log, or verify them", "fhirserver.app.commands.rebuild"),
    "call": ("call the agent in a terminal", "fhirserver.app.commands.call"),
    "simulate-ehr": ("run a simulated EHR with faults", "fhirserver.app.commands.simulate_ehr"),
    "demo": ("play the whole story on this machine", "fhirserver.app.commands.demo"),
    "doctor": ("check the configuration and what it needs", "fhirserver.app.commands.doctor"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the process's exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if given[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"credence {version('credence')}")
        return 0
    if given[0] not in COMMANDS:
        print(f"credence: no command '{given[0]}'\n\n{usage()}", file=sys.stderr)
        return 2
    from importlib import import_module

    command = import_module(COMMANDS[given[0]][1])
    return int(command.run(given[1:]) or 0)


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
