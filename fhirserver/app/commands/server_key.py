"""``credence server-key rotate``: another key for what the server signs and seals by itself."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from fhirserver.access.audit.chain import Chain
from fhirserver.access.audit.rekeying import change_key
from fhirserver.access.server_key import ServerKey
from fhirserver.app.commands.options import parser, settings
from fhirserver.app.server_key import forget, former_keys, key_path, rotate, server_key
from fhirserver.app.settings import Settings
from fhirserver.app.storages import make_storage

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
        told = asyncio.run(_change(chosen, path, given.grace_hours * 3600))
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
    print(told)
    print(
        "Restart credence serve and credence voice now, and have subscribers ask for their $signing-secret again."
    )
    return 0


async def _change(chosen: Settings, path: Path, seconds: float) -> str:
    """Change the key, and have the audit trail say so before the old one is let go of; what became of the trail.

    Raises OSError, and ValueError for a key that is none.
    """
    if chosen.storage == "sqlite" and not chosen.path.exists():
        rotate(path, seconds)
        forget(path)
        return "There is no audit trail yet."
    storage = make_storage(chosen, shared=True)
    await storage.open()
    try:
        rotate(path, seconds)
        former, *_ = former_keys(path)
        batch = await change_key(storage, Chain(server_key(chosen)), Chain(ServerKey(former.secret)).name)
    finally:
        await storage.close()
    forget(path)
    return (
        f"The audit trail is sealed with it from batch {batch.number} on."
        if batch
        else "Nothing was noted yet."
    )
