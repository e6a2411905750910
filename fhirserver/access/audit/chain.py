"""How batches of the trail are made and sealed, each to the one before it.

The seal is an HMAC under a key that is derived from the server's own: who can write to the trail's file or
collection but does not have the key cannot change, leave out, add or exchange anything without :meth:`Chain.flaw`
showing where. Batches cut off at the end are missed by nobody but the commits they spoke of, the notes of the seal in
the server's log, and exports: see docs/audit.md.
"""

from __future__ import annotations

import hashlib
import hmac
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress

from fhirserver.access.audit.event import KEY_CHANGED, Event
from fhirserver.access.server_key import ServerKey
from fhirserver.kernel.json import dumps, loads
from fhirserver.ports.audit import Sealed

_PURPOSE = "audit trail"
_COMMITS_AT_ONCE = 100_000
MOST_BYTES = 8 * 1024 * 1024
"""Of the entries of one batch, before they are compressed: a document of MongoDB has at most 16 MB."""


class TooLarge(Exception):
    """The events do not fit into one batch."""


def packed(events: Sequence[Event]) -> bytes:
    """The events as they are kept. Raises :class:`TooLarge` for more than :data:`MOST_BYTES`, unless it is one."""
    try:
        text = dumps(events)
    except UnicodeEncodeError:  # half a character, from wherever: it must not stop all that comes behind it
        text = dumps([_encodable(event) for event in events])
    if len(text) > MOST_BYTES and len(events) > 1:
        raise TooLarge
    return zlib.compress(text, 1)


def _encodable(event: Event) -> Event:
    texts = {name: _text(one) for name, one in event._asdict().items() if isinstance(one, str)}
    return Event(
        **texts,
        at=event.at,
        shown=tuple([(_text(type), _text(id), number) for type, id, number in event.shown]),
        patients=tuple(map(_text, event.patients)),
        status=event.status,
        commits=event.commits,
        details={_text(name): _text(value) for name, value in event.details.items()},
    )


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def events_of(batch: Sealed) -> list[Event]:
    """The entries of a batch. Raises ValueError where they are not what :func:`packed` made."""
    try:
        return [_event(members) for members in loads(zlib.decompress(batch.data))]
    except (zlib.error, TypeError, KeyError) as error:
        raise ValueError(f"the entries of batch {batch.number} cannot be read") from error


def _event(members: list[object]) -> Event:
    event = Event(*members)  # type: ignore[arg-type]
    return event._replace(
        shown=tuple([(type, id, number) for type, id, number in event.shown]),
        patients=tuple(event.patients),
        commits=tuple(event.commits),
    )


def spans(positions: Iterable[int]) -> list[list[int]]:
    """Numbers as ranges from and to."""
    found: list[list[int]] = []
    for position in sorted(set(positions)):
        if found and position == found[-1][1] + 1:
            found[-1][1] = position
        else:
            found.append([position, position])
    return found


def commits_of(batch: Sealed) -> set[int]:
    """The positions of the commits that the entries of a batch are about. Raises ValueError for damage."""
    found: set[int] = set()
    for low, high in loads(batch.commits):
        if not low <= high < low + _COMMITS_AT_ONCE:
            raise ValueError(f"the commits of batch {batch.number} cannot be read")
        found.update(range(low, high + 1))
    return found


class Chain:
    """Makes and checks seals: with the key of now, and for what was sealed before it was changed with those before.

    Where a key takes another's place, the first batch that it seals holds the one before, wrapped in it
    (:meth:`taking_over`). So whoever has the key of now can check all of the trail. A key that was replaced opens
    nothing later, and changes nothing earlier unseen: the first seal of the next one is over the last of its own.
    """

    def __init__(self, key: ServerKey):
        own = key.derive(_PURPOSE)
        self.name = _name(own)
        """Of the key, which does not tell it."""
        self._keys = {self.name: own}
        self._former = {_name(one): one for one in key.derive_former(_PURPOSE)}
        self._before: dict[str, str] = {}

    def sealed(
        self, before: Sealed | None, events: Sequence[Event], data: bytes, accounted: int = 0
    ) -> Sealed:
        """The batch behind another (None: the first) with these events, which are ``data`` when packed."""
        times = [event.at for event in events]
        batch = Sealed(
            number=before.number + 1 if before else 1,
            since=min(times),
            until=max(times),
            entries=len(events),
            commits=dumps(spans(position for event in events for position in event.commits)),
            accounted=max(accounted, before.accounted if before else 0),
            data=data,
            previous=before.seal if before else b"",
            key=self.name,
            seal=b"",
        )
        return batch._replace(seal=_seal(batch, self._keys[self.name]))

    def taking_over(self, name: str, at: int) -> Event | None:
        """The event that the key of now takes the place of the former one of this name; None where there is none."""
        former = self._former.get(name)
        if former is None:
            return None
        wrapped = _xor(former, _pad(self._keys[self.name], name))
        return Event(KEY_CHANGED, at, details={"key": self.name, "former": name, "wrapped": wrapped.hex()})

    def learn(self, batches: Iterable[Sealed]) -> None:
        """Know the keys that were replaced, from the first batch of each key, the latest first. What these say is
        believed as far as :meth:`flaw` finds no fault with them."""
        for batch in batches:
            try:
                events = [one for one in events_of(batch) if one.what == KEY_CHANGED]
            except ValueError:  # it is damaged, as the seal shows
                continue
            for event in events:
                self._learn(batch.key, event.details)

    def _learn(self, key: str, said: dict[str, str]) -> None:
        own, name = self._keys.get(key), said.get("former", "")
        if own is None or said.get("key") != key:
            return
        with suppress(ValueError):
            former = _xor(bytes.fromhex(said.get("wrapped", "")), _pad(own, name))
            if _name(former) == name:
                self._keys[name], self._before[key] = former, name

    def flaw(self, before: Sealed | None, batch: Sealed) -> str:
        """What is wrong with a batch behind another (None: it is the first that is kept); empty for nothing."""
        if before is not None and batch.number != before.number + 1:
            missing = batch.number - before.number - 1
            return f"{missing} missing before it" if missing > 1 else "the one before it is missing"
        key = self._keys.get(batch.key)
        if key is None:
            return "it is sealed with another key than the server's"
        if not hmac.compare_digest(_seal(batch, key), batch.seal):
            return "it was changed: the seal is not that of its content"
        if before is not None and not hmac.compare_digest(batch.previous, before.seal):
            return "it does not follow the one before it, which was exchanged"
        if before is not None and before.key != batch.key and self._before.get(batch.key) != before.key:
            return "it is sealed with another key than the one before it, whose place that has not taken"
        if batch.number == 1 and batch.previous:
            return "it says that one was before it"
        return ""


def _name(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:16]


def _seal(batch: Sealed, key: bytes) -> bytes:
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for member in batch[:-1]:
        part = member if isinstance(member, bytes) else str(member).encode()
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _pad(key: bytes, name: str) -> bytes:
    """What wraps the key of a name in another: as long as that, and used for this alone. No seal begins so."""
    return hmac.digest(key, b"wraps " + name.encode(), hashlib.sha256)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
