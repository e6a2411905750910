"""The durable record of what was received, as facts of the log: committed with the message's effects, never apart.

``hl7-control`` tells a repeat: one fact for each sender and control id, refused (409) where the message was taken
in already. ``hl7-received`` lists what was taken in, and ``hl7-failed`` what was not, by listener and time; a
failed one holds the message itself, since nothing else does. ``hl7-waiting`` holds those that were answered before
they were taken in, until they are.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import field, replace

from adapters.hl7v2.message import Message
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.storage import Fact
from fhirserver.store.commands import Note, Write

CONTROL, RECEIVED, FAILED, WAITING = "hl7-control", "hl7-received", "hl7-failed", "hl7-waiting"
STORED = "CA"
"""The code of what was stored and answered, and is not taken in yet."""
_LONGEST = 64


def digest_of(*parts: str) -> str:
    """Forty hexadecimal digits, always the same for the same parts."""
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


@frozen
class Receipt:
    """One arrival of a message: what its record is kept under, and what was known of it beforehand.

    ``attempt`` counts how often this sender's control id was stored, taken in or failed, this time included.
    ``failed_before`` is the entry of the failure that it puts right, ``waited`` its own entry where it was stored
    to be taken in later, and ``closing`` what else is written when it is.
    """

    listener: str
    at: str
    digest: str
    control_key: str
    summary: JsonObject = field(repr=False)
    attempt: int = 1
    failed_before: str = ""
    waited: str = ""
    closing: tuple[Write, ...] = field(default=(), repr=False)

    @property
    def entry(self) -> str:
        """The key of its entry in the list: sorts by time."""
        return f"{self.listener}/{self.at}/{self.mark}"

    @property
    def mark(self) -> str:
        """What tells it from other messages of the same millisecond."""
        return digest_of(self.control_key, self.digest)[:8]

    def accepted(
        self, *, resources: Sequence[str] = (), unmapped: Sequence[str] = (), warnings: Sequence[str] = ()
    ) -> tuple[Write, ...]:
        """The writes that say that the message was taken in. They belong into the command of its effects.

        ``resources`` are references such as ``Patient/1``, the raw message's among them. ``unmapped`` and
        ``warnings`` name places, never values.
        """
        entry = {**self.summary, "code": "AA", "resources": list(resources)}
        entry |= {"unmapped": list(unmapped)} if unmapped else {}
        entry |= {"warnings": list(warnings)} if warnings else {}
        return (
            *self._control("AA", mark=self.mark),
            Note(RECEIVED, self.entry, entry),
            *self.settled("taken in"),
            *self._no_longer_waiting(),
            *self.closing,
        )

    def stored(self, raw: bytes) -> tuple[Write, ...]:
        """The writes that keep a message to be taken in later, with every byte of it."""
        bytes = base64.b64encode(raw).decode("ascii")
        entry = {**self.summary, "code": STORED, "raw": bytes, "waiting": True}
        entry |= {"failed": self.failed_before} if self.failed_before else {}
        return (*self._control(STORED, entry=self.entry), Note(WAITING, self.entry, entry))

    def failed(self, code: str, error: str, place: str, text: str, raw: bytes) -> tuple[Write, ...]:
        """The writes that keep a message that could not be taken in, with the reason and every byte of it."""
        entry = {
            **self.summary,
            "code": code,
            "error": error,
            "place": place,
            "text": text,
            "raw": base64.b64encode(raw).decode("ascii"),
            "attempt": self.attempt,
            "open": True,
        }
        key = self.failed_before or self.entry
        more = {"entry": key, "error": error, "place": place, "text": text}
        return (*self._control(code, **more), Note(FAILED, key, entry), *self._no_longer_waiting())

    def settled(self, how: str) -> tuple[Write, ...]:
        """The write that closes the failure that this message's control id had before; none where there was none."""
        if not self.failed_before:
            return ()
        return (
            Note(
                FAILED, self.failed_before, {**self.summary, "open": False, "settled": how, "by": self.entry}
            ),
        )

    def _no_longer_waiting(self) -> tuple[Note, ...]:
        return (Note(WAITING, self.waited, {"waiting": False}),) if self.waited else ()

    def _control(self, code: str, **more: str) -> tuple[Note, ...]:
        value: JsonObject = {
            "position": self.attempt,
            "digest": self.digest,
            "code": code,
            "at": self.at,
            **more,
        }
        return (Note(CONTROL, self.control_key, value, advance=True),)

    def stranger(self) -> Receipt:
        """The same arrival, where its control id is another message's: it must not touch the record of that one."""
        return replace(self, control_key=f"{self.control_key}/{self.digest}")

    def again(self, before: Fact) -> Receipt:
        """The same arrival, where the control id is known from before."""
        code, entry = before.value["code"], before.value.get("entry", "")
        failed = entry if code not in ("AA", STORED) else ""
        waited = entry if code == STORED else ""
        attempt = before.value["position"] + 1
        return replace(self, attempt=attempt, failed_before=self.failed_before or failed, waited=waited)


def receipt(listener: str, at: str, raw: bytes, message: Message | None) -> Receipt:
    """What the record of this arrival starts from; a text that is no message is known by its bytes."""
    digest = hashlib.sha256(raw).hexdigest()[:32]
    if message is None:
        return Receipt(listener, at, digest, f"{listener}/-/{digest}", {"size": len(raw)})
    summary: JsonObject = {
        "control": message.control_id,
        "event": f"{message.type}^{message.event}" if message.event else message.type,
        "sender": list(message.sender),
        "size": len(raw),
    }
    return Receipt(listener, at, digest, control_key(listener, message, digest), summary)


def control_key(listener: str, message: Message, digest: str = "") -> str:
    """The key of a sender's control id, beginning with what a person would look for; by the bytes without one."""
    header, id = message.header, message.control_id
    if not id:
        return f"{listener}/-/{digest}"
    sender = digest_of(header.field(3), header.field(4), id)
    return f"{listener}/{id[:_LONGEST]}/{sender}"


@frozen
class Stored:
    """A message that was stored to be taken in later, maybe to put right a failure: the entry ``failed_before``."""

    listener: str
    at: str
    entry: str
    raw: bytes = field(repr=False)
    failed_before: str = ""


def stored(key: str, value: JsonObject) -> Stored:
    """Read what :meth:`Receipt.stored` wrote."""
    listener, at, _ = key.rsplit("/", 2)
    return Stored(listener, at, key, base64.b64decode(value["raw"]), value.get("failed", ""))


def has_failed_so(before: Fact, digest: str, code: str, error: str, place: str, text: str) -> bool:
    """Whether the very same message failed before for the very same reason: then the record has it all."""
    said = {"digest": digest, "code": code, "error": error, "place": place, "text": text}
    return all(before.value.get(name) == value for name, value in said.items())
