"""``credence keys``: the keys with which the server signs tokens."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from fhirserver.access.smart.key_files import UnreadableKey
from fhirserver.access.smart.keys import ALGORITHMS, KeyRing, ServerSigningKey
from fhirserver.app.commands.options import parser, settings

_ACTIONS = ("list", "rotate")


def run(arguments: list[str]) -> int:
    """List the keys, or have fresh ones sign from now on. Exit 2 where that cannot be done."""
    from fhirserver.app.securing import key_ring

    options = parser(
        "keys", "The keys that sign access tokens and ID tokens. A running server sees changes at once."
    )
    options.add_argument(
        "action", choices=_ACTIONS, help="list them, or make fresh ones that sign from now on"
    )
    options.add_argument("--algorithm", choices=ALGORITHMS, help="rotate: this one alone (default: both)")
    chosen = options.parse_args(arguments)
    loaded = settings(chosen)
    if loaded.storage == "memory" and loaded.smart.key_folder is None:
        print("credence: a storage in memory keeps its keys in the server's process", file=sys.stderr)
        return 2
    try:
        ring = key_ring(loaded)
        if chosen.action == "rotate":
            ring.rotate([chosen.algorithm] if chosen.algorithm else ALGORITHMS)
        _print(ring)
    except (OSError, UnreadableKey) as error:
        print(f"credence: {error}", file=sys.stderr)
        return 2
    return 0


def _print(ring: KeyRing) -> None:
    keys = ring.all()
    for key in keys:
        print(f"{key.kid}  {key.algorithm}  made {_when(key.made)}  {_state(key)}")
    if not keys:
        print("no keys yet: the server makes them when they are first needed")


def _state(key: ServerSigningKey) -> str:
    return f"retired {_when(key.retired)}" if key.retired else "signs"


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
