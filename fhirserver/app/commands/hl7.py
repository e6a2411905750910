"""``credence hl7``: send messages, see what was received, send again what failed, look into a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module

_ACTIONS = {
    "send": ("send the messages of files over MLLP", "fhirserver.app.commands.hl7_send"),
    "list": ("list what failed, or what was received", "fhirserver.app.commands.hl7_messages"),
    "show": ("show one message and what became of it", "fhirserver.app.commands.hl7_messages"),
    "replay": ("send again what failed, as it was or corrected", "fhirserver.app.commands.hl7_messages"),
    "close": ("close a failure that needs nothing more", "fhirserver.app.commands.hl7_messages"),
    "explain": (
        "show what each segment of a file becomes, and by which maps",
        "fhirserver.app.commands.hl7_explain",
    ),
}
_FUNCTIONS = {"list": "messages"}


def run(arguments: list[str]) -> int:
    """One of the actions. Exit 1 where a message was not accepted or found, 2 for what cannot be tried."""
    if arguments and arguments[0] in _ACTIONS:
        module = import_module(_ACTIONS[arguments[0]][1])
        action: Callable[[list[str]], int] = getattr(module, _FUNCTIONS.get(arguments[0], arguments[0]))
        try:
            return action(arguments[1:])
        except BrokenPipeError:  # a reader who went away (``credence hl7 list | head``) is no error
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
    asked = bool(arguments) and arguments[0] in ("-h", "--help")
    lines = ["usage: credence hl7 ACTION [options]", ""]
    lines += [f"  {name:8} {text}" for name, (text, _) in _ACTIONS.items()]
    print("\n".join(lines), file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2
