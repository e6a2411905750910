"""``credence hl7 list|show|replay|close``: the messages that a server has received, also while it runs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from adapters.hl7v2.charset import decode
from adapters.hl7v2.ingest.dead_letters import DeadLetters
from adapters.hl7v2.intake.archive import Archive
from adapters.hl7v2.message import MalformedMessage, parse
from adapters.hl7v2.mllp.client import MllpClient, Peer
from adapters.hl7v2.mllp.tls import InvalidTls
from fhirserver.app.commands.hl7_send import add_peer, describe, peer_of
from fhirserver.app.commands.options import parser, settings
from fhirserver.app.connectors.hl7v2 import Hl7v2Connector
from fhirserver.app.settings import Settings
from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.ports.ehr import Unanswered
from fhirserver.ports.messages import ReceivedMessage

_HOUR = len("2026-11-28T15")


def messages(arguments: Sequence[str]) -> int:
    """List open failures; with ``--received`` what a listener took in."""
    made = parser("hl7 list", "List the messages that failed, or with --received those that were taken in.")
    made.add_argument("--listener", default="", help="only those of this connector")
    made.add_argument("--settled", action="store_true", help="also failures that are closed")
    made.add_argument("--received", action="store_true", help="what was taken in, with --listener")
    made.add_argument(
        "--since",
        default="",
        metavar="INSTANT",
        help="how the instants begin, such as 2026-11-28T15 (default: this hour)",
    )
    options = made.parse_args(arguments)
    if options.received and not options.listener:
        made.error("--received needs --listener")

    async def work(archive: Archive) -> int:
        if options.received:
            since = options.since or instant(SystemClock().now())[:_HOUR]
            found = await archive.received(options.listener, since)
        else:
            found = await archive.failures(options.listener, options.settled)
        for one in found:
            print(line(one))
        print(f"{len(found)} messages", file=sys.stderr)
        return 0

    return _on(settings(options), work)


def show(arguments: Sequence[str]) -> int:
    """Show one message: what became of it, and its text."""
    made = parser("hl7 show", "Show one message and what became of it.")
    _add_which(made)
    made.add_argument("--raw", action="store_true", help="only its bytes, as they were received")
    options = made.parse_args(arguments)

    async def work(archive: Archive) -> int:
        for one in await _which(archive, options):
            raw = await archive.raw(one)
            if options.raw:
                sys.stdout.buffer.write(raw or b"")
            else:
                print("\n".join(description(one, raw)))
        return 0

    return _on(settings(options), work)


def replay(arguments: Sequence[str]) -> int:
    """Send again what failed. Exit 1 where it is not accepted this time either."""
    made = parser("hl7 replay", "Send a message that failed again, as it was or as it is in a file now.")
    _add_which(made)
    made.add_argument("--with", dest="file", type=Path, metavar="FILE", help="the corrected message")
    made.add_argument(
        "--all", action="store_true", help="all open failures, of a listener where one is named"
    )
    add_peer(made, needed=False)
    options = made.parse_args(arguments)
    chosen = settings(options)
    try:
        corrected = options.file.read_bytes() if options.file else None
    except OSError as error:
        print(f"credence hl7 replay: {options.file}: {error.strerror}", file=sys.stderr)
        return 2

    async def work(archive: Archive) -> int:
        found = await archive.failures(options.listener) if options.all else await _which(archive, options)
        results = [
            await _replay(archive, one, _peer(options, chosen, one.listener), corrected) for one in found
        ]
        return 0 if all(results) else 1

    return _on(chosen, work)


def close(arguments: Sequence[str]) -> int:
    """Close a failure; its bytes stay in the log."""
    made = parser("hl7 close", "Close a failure that needs nothing more.")
    _add_which(made)
    made.add_argument("--because", required=True, metavar="TEXT", help="why; kept with the message")
    options = made.parse_args(arguments)

    async def work(archive: Archive) -> int:
        for one in await _which(archive, options):
            await _letters(archive, one).close(one, options.because, "credence hl7")
            print(f"{one.key}: closed")
        return 0

    return _on(settings(options), work)


def line(one: ReceivedMessage) -> str:
    """A message in one line, without anything of a patient."""
    state = f"{one.code} {one.error} {one.place}".rstrip() if one.code != "AA" else "AA"
    state = f"{state} ({one.settled})" if one.settled else state
    return f"{one.key}  {one.event or '?':8} {one.control_id or '-':20} {'|'.join(one.sender)}  {state}"


def description(one: ReceivedMessage, raw: bytes | None) -> list[str]:
    """A message in full."""
    lines = [line(one), f"position {one.position} of the log"]
    lines += [f"why: {one.place} {one.text}".rstrip()] if one.text or one.place else []
    lines += [f"became: {', '.join(one.resources)}"] if one.resources else []
    lines += [f"not mapped: {', '.join(one.unmapped)}"] if one.unmapped else []
    lines += [f"remark: {text}" for text in one.warnings]
    if raw is None:
        return [*lines, "its bytes are in the log at that position"]
    try:
        text = decode(raw).text
    except MalformedMessage:
        text = raw.decode("latin-1")
    return [*lines, "", *text.replace("\r\n", "\n").replace("\r", "\n").splitlines()]


def _add_which(made: argparse.ArgumentParser) -> None:
    made.add_argument("which", nargs="?", default="", help="the key that `list` shows, or a control id")
    made.add_argument("--listener", default="", help="the connector, where a control id is given")


async def _which(archive: Archive, options: argparse.Namespace) -> Sequence[ReceivedMessage]:
    """The messages that are meant. Exits where there is none."""
    which, listener = options.which, options.listener
    found: Sequence[ReceivedMessage] = ()
    if listener and which:
        found = await archive.by_control_id(listener, which)
    elif which and (one := await archive.entry(which)):
        found = (one,)
    if not found:
        print("credence hl7: no such message; a control id needs --listener", file=sys.stderr)
        raise SystemExit(1)
    return found


def _peer(options: argparse.Namespace, chosen: Settings, listener: str) -> Peer:
    """Where a listener's messages go: to itself, unless another address is given."""
    if not options.to:
        for connector in chosen.connectors:
            if connector.name == listener and isinstance(connector.own, Hl7v2Connector):
                options.to = f"{connector.own.host}:{connector.own.port}"
    try:
        return peer_of(options)
    except (InvalidTls, ValueError) as error:
        print(f"credence hl7 replay: {error}", file=sys.stderr)
        raise SystemExit(2) from None


async def _replay(archive: Archive, one: ReceivedMessage, peer: Peer, corrected: bytes | None) -> bool:
    raw = corrected if corrected is not None else await archive.raw(one)
    try:
        decoded = decode(raw or b"")
        message = parse(decoded.text, decoded.encoding)
    except MalformedMessage as error:
        print(f"{one.key}: still no message: {error}; correct it and give it --with FILE")
        return False
    client = MllpClient(peer)
    try:
        answer = await client.send(message, decoded.encoding)
    except Unanswered as error:
        print(f"{one.key}: {error}")
        return False
    finally:
        await client.close()
    print(f"{one.key}: {describe(answer)}")
    accepted = answer is None or answer.accepted
    if accepted and one.open:
        # The listener has closed it where the control id is the same; of a text that was none it cannot know.
        await _letters(archive, one).close(one, "replayed", "credence hl7", done=True)
    return accepted


def _letters(archive: Archive, one: ReceivedMessage) -> DeadLetters:
    return DeadLetters(archive.store, one.listener)


def _on(chosen: Settings, work: Callable[[Archive], Awaitable[int]]) -> int:
    """Do something on the store of the settings, which a server may be using."""
    from fhirserver.app.wiring import make_store

    async def opened() -> int:
        store = make_store(chosen, shared=True)
        await store.open()
        try:
            return await work(Archive(store))
        finally:
            await store.close()

    return asyncio.run(opened())
