"""What clients brought along and have kept under a ``cache-id``, for all processes: records beside the log.

``tx-cache/OWNER/ID`` says of which parts it is made, and putting that there is the commit;
``tx-cache-part/OWNER/ID/PART`` holds the resources that one request added. A process remembers what it read, and reads
of later requests only the first record, and the parts that others added. Bounded in number, bytes and age: clients send
again what is said to be missing.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.access_records import AccessRecord, AccessRecords
from fhirserver.ports.terminology_asked import Asked
from terminology.overlays import Overlay

AGE = 24 * 60 * 60
"""Seconds after which what is kept is forgotten, counted from the first request with the id."""
LARGEST, MOST_BYTES_OF_ONE, MOST_BYTES = 16 << 20, 64 << 20, 256 << 20
"""Bytes of JSON under one id, of one principal, and of all."""
MOST_OF_ONE, MOST = 20, 200
"""Ids of one principal, and of all."""
REMEMBERED_BYTES = 64 << 20
"""What a process keeps in memory besides."""
_PACKED = 12 << 20
"""Characters of a part: MongoDB takes 16 MB."""
_PARTS = 50
_TRIES = 100
_HEADS, _OF_PARTS = "tx-cache/", "tx-cache-part/"


@dataclass(frozen=True, slots=True)
class _Known:
    parts: tuple[str, ...] = ()
    overlay: Overlay = field(default_factory=Overlay)


class KeptOverlays:
    """See :class:`fhirserver.ports.terminology_asked.KeptResources`. ``now``: seconds since 1970."""

    def __init__(
        self, records: AccessRecords, now: Callable[[], float] = time.time, most_bytes: int = MOST_BYTES
    ):
        self._records, self._now, self._most_bytes = records, now, most_bytes
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def with_kept(self, asked: Asked) -> Asked:
        if not asked.cache:
            return asked
        key = f"{_digest(asked.principal)}/{_digest(asked.cache)}"
        for _ in range(_TRIES):
            head = await self._records.read(_HEADS + key)
            known = await self._read(key, head)
            if known is None:
                continue  # it is being removed, or was written anew meanwhile
            after = known.overlay.with_these(one for one in asked.resources if not known.overlay.has(one))
            if after is not known.overlay:
                known = await self._write(key, head, known, after, asked.resources)
            if known is not None:
                self._remember(key, known)
                return replace(asked, kept=known.overlay)
        raise refuse(
            Category.BUSY, "transient", "What is kept under this cache-id is changed by too many at once"
        )

    # Reading

    async def _read(self, key: str, head: AccessRecord | None) -> _Known | None:
        """What is kept by now; None where a part of it is not there any more."""
        if head is None:
            self._known.pop(key, None)
            return _Known()
        parts = tuple(head.value["parts"])
        known = self._known.get(key, _Known())
        if parts[: len(known.parts)] != known.parts:
            known = _Known()
        overlay = known.overlay
        for part in parts[len(known.parts) :]:
            record = await self._records.read(f"{_OF_PARTS}{key}/{part}")
            if record is None:
                return None
            overlay = overlay.with_these(await asyncio.to_thread(_unpacked, record.value["resources"]))
        return _Known(parts, overlay)

    def _remember(self, key: str, known: _Known) -> None:
        self._known[key] = known
        self._known.move_to_end(key)
        while sum(one.overlay.bytes for one in self._known.values()) > REMEMBERED_BYTES:
            self._known.popitem(last=False)

    # Writing

    async def _write(
        self, key: str, head: AccessRecord | None, known: _Known, after: Overlay, added: Sequence[JsonObject]
    ) -> _Known | None:
        """What is kept then; None where somebody else was first. Of many parts one is made."""
        if after.bytes > LARGEST:
            raise _too_much()
        anew = len(known.parts) >= _PARTS
        content = after.resources if anew else [one for one in added if not known.overlay.has(one)]
        packed = await asyncio.to_thread(_packed, content)
        await self._make_room(key, after.bytes)
        part = secrets.token_hex(8)
        expires = head.expires if head is not None else int(self._now()) + AGE
        parts = (part,) if anew else (*known.parts, part)
        await self._records.swap(f"{_OF_PARTS}{key}/{part}", 0, {"resources": packed}, expires)
        value: JsonObject = {"parts": [*parts], "bytes": after.bytes}
        if not await self._records.swap(
            _HEADS + key, head.revision if head is not None else 0, value, expires
        ):
            await self._remove_parts(key, [part])
            return None
        if anew:
            await self._remove_parts(key, known.parts)
        return _Known(parts, after)

    async def _make_room(self, key: str, size: int) -> None:
        """The oldest make way, first those of the same principal."""
        heads = [one for one in await self._records.find(_HEADS, limit=2 * MOST) if one.key != _HEADS + key]
        heads.sort(key=lambda one: one.expires or 0)
        own = [one for one in heads if one.key.startswith(f"{_HEADS}{key.partition('/')[0]}/")]
        for among, most, most_bytes in (
            (own, MOST_OF_ONE, MOST_BYTES_OF_ONE),
            (heads, MOST, self._most_bytes),
        ):
            while among and (len(among) >= most or _bytes(among) + size > most_bytes):
                oldest = among.pop(0)
                await self._remove(oldest)
                if oldest in heads:
                    heads.remove(oldest)

    async def _remove(self, head: AccessRecord) -> None:
        if await self._records.remove(head.key, head.revision):
            await self._remove_parts(head.key.removeprefix(_HEADS), head.value["parts"])

    async def _remove_parts(self, key: str, parts: Sequence[str]) -> None:
        for part in parts:
            await self._records.remove(f"{_OF_PARTS}{key}/{part}", 1)


def _bytes(heads: Sequence[AccessRecord]) -> int:
    return sum(int(one.value["bytes"]) for one in heads)


def _packed(resources: Sequence[JsonObject]) -> str:
    packed = base64.b64encode(zlib.compress(dumps([*resources]), 1)).decode()
    if len(packed) > _PACKED:
        raise _too_much()
    return packed


def _unpacked(packed: str) -> list[JsonObject]:
    resources: list[JsonObject] = loads(zlib.decompress(base64.b64decode(packed)))
    return resources


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _too_much() -> Exception:
    text = f"The resources kept under one cache-id may have {LARGEST >> 20} MB: send these without it"
    return refuse(Category.UNPROCESSABLE, "too-costly", text)
