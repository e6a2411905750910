"""``credence server-key rotate``: another key for what the server signs and seals by itself."""

from __future__ import annotations

import sys

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.server_key import key_path, rotate

_HOURS = 24.0


def run(arguments: list[str]) -> int:
    """Change the key; the one before still counts for a while. Processes have the new one from their restart."""
    options = parser(
        "server-key", "Change the key that signatures of notifications and passes are made with."
    )
    options.add_argument(
        "what", choices=("rotate",), help="rotate: a fresh key, beside which the old one still counts"
    )
    options.add_argument(
        "--grace-hours",
        type=float,
        default=_HOURS,
        help="how long the old key still counts; 0 for not at all, as after a theft (default: %(default)s)",
    )
    given = options.parse_args(arguments)
    chosen = settings(given)
    if chosen.storage == "memory" and not chosen.subscriptions.key_file:
        print("credence: [storage] kind 'memory' has a fresh key at each start anyway", file=sys.stderr)
        return 2
    if given.grace_hours < 0:
        print("credence: --grace-hours is 0 or more", file=sys.stderr)
        return 2
    path = key_path(chosen)
    try:
        rotate(path, given.grace_hours * 3600)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        print(f"credence: {path}: {reason}", file=sys.stderr)
        return 1
    still = (
        f"the old one still counts for {given.grace_hours:g} hours"
        if given.grace_hours
        else "the old one is gone"
    )
    print(f"{path} has a fresh key; {still}.")
    print(
        "Restart credence serve and credence voice now, and have subscribers ask for their $signing-secret again."
    )
    return 0
