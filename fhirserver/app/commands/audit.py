"""``credence audit``: verify the audit trail, export it, take away what is old."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress

    from fhirserver.store.store import Store

_SHOWN = 20
_USAGE = """\
usage: credence audit ACTION [--config FILE] [--data DIR]

  verify [--seal N:HEX]           walk the chain and the log, and say the first place that is broken
  export [--since TIME] [--until TIME] [--format ndjson] [--out FILE]
                                  write AuditEvents, one a line
  keep [--days N]                 take away what is older than [audit] keep_days

The server may be running."""


def run(arguments: list[str]) -> int:
    """One of three actions. Exit 1 where the trail is not whole, 2 for what cannot be asked."""
    actions = {"verify": verify_trail, "export": export, "keep": keep_days}
    if arguments and arguments[0] in actions:
        return actions[arguments[0]](arguments[1:])
    asked = bool(arguments) and arguments[0] in ("-h", "--help")
    print(_USAGE, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def verify_trail(arguments: list[str]) -> int:
    """Say whether the trail is whole."""
    options = parser("audit verify", "Walk the chain and the log, and say the first place that is broken.")
    options.add_argument(
        "--seal", metavar="N:HEX", help="a batch and its seal, as the server's log told them"
    )
    chosen = options.parse_args(arguments)
    return asyncio.run(_verify(settings(chosen), chosen))


def export(arguments: list[str]) -> int:
    """Write AuditEvents."""
    options = parser("audit export", "Write AuditEvents, one a line.")
    options.add_argument("--since", metavar="TIME", help="a date or an instant: from then on")
    options.add_argument("--until", metavar="TIME", help="a date or an instant: up to before it")
    options.add_argument("--format", choices=["ndjson"], default="ndjson")
    options.add_argument("--out", type=Path, help="a file instead of the standard output")
    chosen = options.parse_args(arguments)
    return asyncio.run(_export(settings(chosen), chosen))


def keep_days(arguments: list[str]) -> int:
    """Take away what is old."""
    options = parser("audit keep", "Take away what is older than [audit] keep_days.")
    options.add_argument("--days", type=int, help="another number of days, 30 at least")
    chosen = options.parse_args(arguments)
    return asyncio.run(_keep(settings(chosen), chosen))


@contextlib.asynccontextmanager
async def _opened(chosen: Settings) -> AsyncIterator[Store]:
    """The store with its storage open for reading; nothing is committed by it."""
    from fhirserver.app.wiring import make_store

    if chosen.storage == "memory":
        print("credence: a storage in memory keeps no audit trail", file=sys.stderr)
        raise SystemExit(2)
    if chosen.storage == "sqlite" and not chosen.path.exists():
        print(f"credence: {chosen.path}: not there", file=sys.stderr)
        raise SystemExit(2)
    store = make_store(chosen)
    await store.storage.open()
    try:
        yield store
    finally:
        await store.storage.close()


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


async def _verify(chosen: Settings, options: argparse.Namespace) -> int:
    from fhirserver.access.audit.chain import Chain
    from fhirserver.access.audit.verifying import first_place, verify
    from fhirserver.app.server_key import server_key

    async with _opened(chosen) as store:
        last = await store.storage.trail.last()
        total = (last.number if last else 0) + (await store.storage.head()).position
        with _progress() as bar:
            task = bar.add_task("verifying", total=total)
            found = await verify(
                store.storage, Chain(server_key(chosen)), lambda done: bar.update(task, completed=done)
            )
        lines = [*first_place(found)]
        if options.seal:
            lines += await _check_seal(store, options.seal)
    print(f"{found.batches} batches, {found.entries} entries, {found.waiting} commits not yet accounted for")
    if found.last is not None:
        print(f"the last batch is {found.last.number}, its seal {found.last.seal.hex()}")
    for line in lines[:_SHOWN]:
        print(f"BROKEN {line}")
    if len(lines) > _SHOWN:
        print(f"… and {len(lines) - _SHOWN} more")
    print("NOT whole" if lines else "whole")
    return 1 if lines else 0


async def _check_seal(store: Store, text: str) -> list[str]:
    """What is wrong with a batch whose seal was noted elsewhere."""
    number, _, seal = text.partition(":")
    if not number.isascii() or not number.isdigit() or not seal:
        return ["--seal is a number, a colon and a seal"]
    batches = await store.storage.trail.read(int(number) - 1, 1)
    if not batches or batches[0].number != int(number):
        return [f"batch {number}: it is not there any more"]
    return [] if batches[0].seal.hex() == seal.lower() else [f"batch {number}: it has another seal"]


async def _export(chosen: Settings, options: argparse.Namespace) -> int:
    from fhirserver.access.audit.projecting import AuditEvents
    from fhirserver.kernel.json import dumps

    low, high = _time(options.since, "--since", 0), _time(options.until, "--until", 2**62)
    async with _opened(chosen) as store:
        await store.parameters.refresh()
        events = AuditEvents(store, chosen.fhir_base)
        numbers = await store.storage.trail.between(low, high)
        written = 0
        with _output(options.out) as out, _progress() as bar:
            for number in bar.track(numbers, description="exporting"):
                for resource in await events.made(number, low, high):
                    out.write(dumps(resource).decode() + "\n")
                    written += 1
    print(f"{written} AuditEvents of {len(numbers)} batches", file=sys.stderr)
    return 0


def _time(text: str | None, option: str, default: int) -> int:
    """Microseconds since 1970."""
    from fhirserver.search.literals import date_range

    if text is None:
        return default
    try:
        return date_range(text)[0]
    except (ValueError, OverflowError):
        print(f"credence: {option} is a date or an instant, such as 2026-11-29", file=sys.stderr)
        raise SystemExit(2) from None


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with path.open("w", encoding="utf-8") as file:
        yield file


async def _keep(chosen: Settings, options: argparse.Namespace) -> int:
    from fhirserver.access.audit.chain import Chain
    from fhirserver.access.audit.keeping import keep
    from fhirserver.access.audit.recorder import Recorder
    from fhirserver.app.audit_settings import LEAST_DAYS
    from fhirserver.app.server_key import server_key

    days = options.days if options.days is not None else chosen.audit.keep_days
    if days < LEAST_DAYS:
        print(f"credence: [audit] keep_days is not set; --days is at least {LEAST_DAYS}", file=sys.stderr)
        return 2
    async with _opened(chosen) as store:
        gone = await keep(store.storage, Recorder(store.storage, Chain(server_key(chosen))), days)
    print(f"{gone} batches older than {days} days were taken away")
    return 0
