"""``credence platform-key``: the keys of programs for ``/platform`` and ``/fhir``; above all the first one."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from fhirserver.access.audit.event import RUN, Event
from fhirserver.access.platform_keys import (
    LONGEST_OVERLAP,
    PlatformKey,
    PlatformKeys,
    TooManyKeys,
    UnknownKey,
)
from fhirserver.access.platform_roles import PLATFORM_ROLES
from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import SYSTEM, Settings

if TYPE_CHECKING:
    from fhirserver.access.audit.event import Audit

Act: TypeAlias = Callable[[PlatformKeys, argparse.Namespace, Settings], Awaitable[str]]
_MAKER = "credence platform-key"


class _Wrong(ValueError):
    """What was asked for cannot be; the message says why."""


def run(arguments: list[str]) -> int:
    """List, create, rotate or revoke keys. Exit 1 where there is no such key; 2 for what is wrong."""
    options = _parser().parse_args(arguments)
    chosen = settings(options)
    if chosen.storage == "memory":
        print("credence: [storage] kind 'memory' keeps no keys", file=sys.stderr)
        return 2
    try:
        asyncio.run(_run(chosen, options))
    except UnknownKey as error:
        print(f"credence: there is no key '{error}'", file=sys.stderr)
        return 1
    except (_Wrong, TooManyKeys) as error:
        print(f"credence: {error}", file=sys.stderr)
        return 2
    return 0


async def _run(chosen: Settings, options: argparse.Namespace) -> None:
    from fhirserver.access.audit.chain import Chain
    from fhirserver.access.audit.recorder import Recorder
    from fhirserver.app.server_key import server_key
    from fhirserver.app.storages import make_storage

    chosen.path.parent.mkdir(parents=True, exist_ok=True)
    storage = make_storage(chosen, shared=True)
    await storage.open()
    try:
        act: Act = options.act
        id = await act(PlatformKeys(storage.access_records), options, chosen)
        if id:
            recorder = Recorder(storage, Chain(server_key(chosen)))
            _note(recorder, options.action, id)
            await recorder.flush()
    finally:
        await storage.close()


def _note(audit: Audit, action: str, id: str) -> None:
    details = {"command": f"platform-key {action}", "key": id}
    audit.note(Event(RUN, principal=_MAKER, source=SYSTEM.id, details=details))


def _parser() -> argparse.ArgumentParser:
    made = parser("platform-key", "The keys of programs. A running server sees changes within a second.")
    commands = made.add_subparsers(metavar="COMMAND", required=True, dest="action")

    listing = commands.add_parser("list", help="the keys, without their secrets")
    listing.set_defaults(act=_list)
    creating = commands.add_parser("create", help="make a key; its secret is printed once")
    creating.set_defaults(act=_create)
    creating.add_argument("--role", required=True, choices=PLATFORM_ROLES, help="what it may do")
    creating.add_argument("--name", default="", help="what it is called (default: its role)")
    creating.add_argument("--source", default="", help="the [[source]] it speaks as (default: operator)")
    creating.add_argument("--days", type=int, default=0, help="how long it holds (default: without end)")
    rotating = commands.add_parser("rotate", help="give a key another secret, which is printed once")
    rotating.set_defaults(act=_rotate)
    rotating.add_argument("id", help="the key's id, as list shows it")
    rotating.add_argument(
        "--overlap", type=int, default=3600, help="seconds the old secret still counts (default: %(default)s)"
    )
    revoking = commands.add_parser("revoke", help="end a key")
    revoking.set_defaults(act=_revoke)
    revoking.add_argument("id", help="the key's id, as list shows it")
    for command in (listing, creating, rotating, revoking):
        _take_place(command)
    return made


def _take_place(command: argparse.ArgumentParser) -> None:
    """The options of every command may stand behind its name too."""
    from pathlib import Path

    command.add_argument("--config", type=Path, default=argparse.SUPPRESS, help="the settings file")
    command.add_argument("--data", type=Path, default=argparse.SUPPRESS, help="folder of the SQLite database")


async def _list(keys: PlatformKeys, options: argparse.Namespace, chosen: Settings) -> str:
    found = await keys.all()
    for key in found:
        print(_line(key))
    if not found:
        print("no keys: 'credence platform-key create --role owner' makes one")
    return ""


def _line(key: PlatformKey) -> str:
    until = f"until {_day(key.expires)}" if key.expires else "without end"
    used = f"used {_day(key.used)}" if key.used else "never used"
    return f"{key.id}  {key.role:8}  {key.source}  {until}  {used}  {key.name}  (made by {key.made_by})"


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


async def _create(keys: PlatformKeys, options: argparse.Namespace, chosen: Settings) -> str:
    source = options.source or _operators(chosen)
    if source not in chosen.sources.keys() - {SYSTEM.id}:
        raise _Wrong(f"there is no [[source]] with id '{source}'")
    if not 0 <= options.days <= 3650:
        raise _Wrong("--days is a number from 0 (without end) to 3650")
    expires = int(time.time()) + options.days * 86_400 if options.days else 0
    name = options.name.strip()[:200] or f"The {options.role}"
    key, secret = await keys.make(name, options.role, source, _MAKER, expires)
    _tell(key, secret)
    return key.id


def _operators(chosen: Settings) -> str:
    """The source of people at the console. Raises :class:`_Wrong` where there is none."""
    found = next((one.id for one in chosen.sources.values() if one.kind == "operator"), "")
    if not found:
        raise _Wrong("say --source: the settings have none of the kind 'operator'")
    return found


async def _rotate(keys: PlatformKeys, options: argparse.Namespace, chosen: Settings) -> str:
    if not 0 <= options.overlap <= LONGEST_OVERLAP:
        raise _Wrong(f"--overlap is a number from 0 to {LONGEST_OVERLAP}")
    key, secret = await keys.rotate(options.id, options.overlap)
    _tell(key, secret)
    return key.id


async def _revoke(keys: PlatformKeys, options: argparse.Namespace, chosen: Settings) -> str:
    await keys.revoke(options.id)
    print(f"revoked {options.id}: it opens nothing any more")
    return str(options.id)


def _tell(key: PlatformKey, secret: str) -> None:
    print(f"id={key.id}\nkey={secret}")
    print("The key is shown this once: only its digest is kept.", file=sys.stderr)
