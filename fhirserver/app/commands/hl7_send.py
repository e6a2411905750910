"""``credence hl7 send``: the messages of files over MLLP, each patient's in their order, with what was answered."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from adapters.hl7v2.acknowledgement import Acknowledgement
from adapters.hl7v2.batch import read_batch
from adapters.hl7v2.charset import decode
from adapters.hl7v2.message import MalformedMessage, Message, parse
from adapters.hl7v2.mllp.client import MllpClient, Peer
from adapters.hl7v2.mllp.tls import InvalidTls, client_context
from fhirserver.ports.ehr import Unanswered

_MOST_TOLD = 20
_MOST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send. ``where`` is the file and the message's number in it."""

    where: str
    message: Message
    encoding: str

    @property
    def lane(self) -> str:
        """Messages of one lane go over one connection, one after the other."""
        return self.message.value("PID", 3) or self.message.control_id


@dataclass(slots=True)
class Sent:
    """What came of sending. ``seconds`` are those of each answer."""

    codes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return not set(self.codes) - {"AA", "CA", "no answer wanted"}


def send(arguments: list[str]) -> int:
    """Send files. Exit 1 where a message was not accepted, 2 where a file cannot be read."""
    options = _options().parse_args(arguments)
    try:
        peer = peer_of(options)
        messages = [one for file in options.files for one in read_file(file, options.charset)]
    except (MalformedMessage, InvalidTls, OSError, ValueError) as error:
        print(f"credence hl7 send: {error}", file=sys.stderr)
        return 2
    started = time.monotonic()
    sent = asyncio.run(_send(messages, peer, options.rate, options.verbose))
    print(report(sent, time.monotonic() - started))
    return 0 if sent.accepted else 1


def _options() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="credence hl7 send", description="Send the messages of files over MLLP."
    )
    made.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="messages, batches or files of batches"
    )
    add_peer(made, needed=True)
    made.add_argument("--connections", type=int, default=1, help="connections at a time (default: 1)")
    made.add_argument(
        "--rate", type=float, default=0.0, help="messages a second at most (default: all at once)"
    )
    made.add_argument("--verbose", action="store_true", help="print every answer")
    return made


def add_peer(made: argparse.ArgumentParser, needed: bool) -> None:
    """The options that say where messages go."""
    made.add_argument(
        "--to", required=needed, default="", metavar="HOST:PORT", help="where a receiver listens"
    )
    made.add_argument("--tls", action="store_true", help="over TLS")
    made.add_argument(
        "--tls-ca", type=Path, help="the authority of the receiver's certificate (implies --tls)"
    )
    made.add_argument("--tls-certificate", type=Path, help="our own certificate (implies --tls)")
    made.add_argument("--tls-key", type=Path, help="its key")
    made.add_argument("--timeout", type=float, default=30.0, help="seconds for an answer (default: 30)")
    made.add_argument(
        "--charset", default="utf-8", help="codec of messages that declare none (default: utf-8)"
    )


def peer_of(options: argparse.Namespace) -> Peer:
    """Where messages go. Raises :class:`InvalidTls`, and ValueError for an address that is none."""
    host, _, port = options.to.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) <= _MOST_PORT:
        raise ValueError("--to is an address and a port, such as 127.0.0.1:2575")
    tls = None
    if options.tls or options.tls_ca or options.tls_certificate:
        tls = client_context(options.tls_ca, options.tls_certificate, options.tls_key)
    connections = max(1, getattr(options, "connections", 1))
    return Peer(host.strip("[]"), int(port), tls, connections, answer_seconds=options.timeout)


def read_file(file: Path, charset: str) -> list[Outgoing]:
    """The messages of a file. Raises :class:`MalformedMessage` that names it."""
    found: list[Outgoing] = []
    try:
        for number, raw in enumerate(read_batch(file.read_bytes()).messages, 1):
            decoded = decode(raw, charset)
            message = parse(decoded.text, decoded.encoding)
            found.append(Outgoing(f"{file.name} message {number}", message, decoded.encoding))
    except MalformedMessage as error:
        raise MalformedMessage(error.reason, f"{file} message {len(found) + 1} {error.place}") from None
    return found


async def _send(messages: Sequence[Outgoing], peer: Peer, rate: float, verbose: bool) -> Sent:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
    with progress:
        task = progress.add_task("sending", total=len(messages))
        say = progress.console.print if verbose else None
        return await deliver(messages, peer, rate, lambda: progress.advance(task), say)


async def deliver(
    messages: Sequence[Outgoing],
    peer: Peer,
    rate: float = 0.0,
    done: Callable[[], None] = lambda: None,
    say: Callable[[str], None] | None = None,
) -> Sent:
    """Send all, each lane in its order. What one answer is does not keep the next message from being sent."""
    sent, client, started = Sent(), MllpClient(peer), time.monotonic()

    async def lane(mine: Iterable[tuple[int, Outgoing]]) -> None:
        for number, one in mine:
            if rate > 0:
                await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            await _one(client, one, sent, say)
            done()

    numbered = list(enumerate(messages))
    places = peer.connections
    lanes = [
        [one for one in numbered if zlib.crc32(one[1].lane.encode()) % places == n] for n in range(places)
    ]
    try:
        await asyncio.gather(*(lane(mine) for mine in lanes))
    finally:
        await client.close()
    return sent


async def _one(client: MllpClient, one: Outgoing, sent: Sent, say: Callable[[str], None] | None) -> None:
    begun = time.monotonic()
    try:
        answer = await client.send(one.message, one.encoding)
    except Unanswered as error:
        sent.codes["no answer"] += 1
        sent.complaints.append(f"{one.where}: {error}")
        return
    sent.seconds.append(time.monotonic() - begun)
    sent.codes[answer.code if answer else "no answer wanted"] += 1
    told = f"{one.where}: {describe(answer)}"
    if answer and not answer.accepted:
        sent.complaints.append(told)
    if say is not None:
        say(told)


def describe(answer: Acknowledgement | None) -> str:
    """An answer in one line: code, control id, and what is said of errors."""
    if answer is None:
        return "no answer wanted"
    parts = [f"{answer.code} {answer.of}".rstrip(), answer.text]
    for error in answer.message.all("ERR"):
        place = "-".join(
            part for part in error.field(2).split(answer.message.separators.component)[::2][:2] if part
        )
        parts += [place, error.value(3) or error.field(1), error.value(8) or ""]
    return " ".join(part for part in parts if part)


def report(sent: Sent, seconds: float) -> str:
    """How many of each code, how fast, and what was not accepted."""
    total = sent.codes.total()
    counts = ", ".join(f"{count} {code}" for code, count in sent.codes.most_common())
    lines = [f"{total} messages in {seconds:.1f} s ({total / max(seconds, 1e-9):.0f}/s): {counts or 'none'}"]
    if sent.seconds:
        ordered = sorted(sent.seconds)
        p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
        lines.append(f"answers after {p50 * 1000:.0f} ms (median), {p99 * 1000:.0f} ms (99 %)")
    lines += sent.complaints[:_MOST_TOLD]
    if len(sent.complaints) > _MOST_TOLD:
        lines.append(f"and {len(sent.complaints) - _MOST_TOLD} more")
    return "\n".join(lines)
