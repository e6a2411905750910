"""``Idempotency-Key``: a request that is sent again, since its answer was lost, is not carried out again.

https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header. Kept for a day in the access records of
the workspace, by who asks: the same key of somebody else is another one. What is kept is the answer, so nothing that
is shown only once may be made so.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Header
from pydantic import BaseModel

from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.rest.platform.rights import Asked

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{0,255}$",
        max_length=255,
        description="A name of this one request: the same again, within a day, answers what it answered and does "
        "nothing. Another body under the same name is 422, one that is still being answered 409.",
    ),
]
SECONDS = 86_400
_BEGUN_SECONDS = 60
"""After which a request that never ended, since its process was killed, may be made again."""
_PREFIX = "platform-once/"

Answer = TypeVar("Answer", bound=BaseModel)


async def once(
    asked: Asked,
    key: str,
    what: str,
    body: BaseModel,
    work: Callable[[], Awaitable[Answer]],
    kind: type[Answer],
) -> tuple[Answer, bool]:
    """What ``work`` answers, or answered before (True); ``what`` names the operation. Without a key it is always done.

    A refusal is not kept: the next request with the key tries again.
    """
    if not key:
        return await work(), False
    records, now = asked.platform.records, int(time.time())
    name = _PREFIX + _digest(asked.workspace, asked.name, what, key)
    print = _digest(body.model_dump_json())
    if not await records.swap(name, 0, {"print": print}, now + _BEGUN_SECONDS):
        return kind.model_validate(await _kept(asked, name, print)), True
    try:
        answer = await work()
    except BaseException:
        await records.remove(name, 1)
        raise
    await records.swap(name, 1, {"print": print, "answer": answer.model_dump(mode="json")}, now + SECONDS)
    return answer, False


async def check_same(asked: Asked, key: str, what: str, body: BaseModel) -> None:
    """For work that is done once by itself, whatever its key: refuses (422) another body under the key of before."""
    if not key:
        return
    records, until = asked.platform.records, int(time.time()) + SECONDS
    name, print = _PREFIX + _digest(asked.workspace, asked.name, what, key), _digest(body.model_dump_json())
    if await records.swap(name, 0, {"print": print}, until):
        return
    kept = await records.read(name)
    if kept is not None and kept.value["print"] != print:
        raise _another()


def _another() -> Refusal:
    text = "This Idempotency-Key was sent with another body"
    return refuse(Category.UNPROCESSABLE, "duplicate", text, "Idempotency-Key")


async def _kept(asked: Asked, name: str, print: str) -> object:
    """The answer that was given. Refuses (409, 422) where there is none yet, or to something else."""
    kept = await asked.platform.records.read(name)
    if kept is not None and kept.value["print"] != print:
        raise _another()
    if kept is None or "answer" not in kept.value:
        text = "The request with this Idempotency-Key is still being answered"
        raise refuse(Category.CONFLICT, "conflict", text, "Idempotency-Key")
    return kept.value["answer"]


def _digest(*parts: str) -> str:
    return hashlib.sha256(dumps(list(parts))).hexdigest()
