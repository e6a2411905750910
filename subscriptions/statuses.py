"""The status of a Subscription as the server finds it out: active, error, off."""

from __future__ import annotations

import logging
from collections.abc import Callable

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Amend, Command
from fhirserver.store.store import Store
from fhirserver.world.survivorship import claims_on, contend
from subscriptions.interests import Held
from subscriptions.notifier import NAME

log = logging.getLogger("credence.subscriptions")


async def set_status(store: Store, held: Held, status: str, source: str, error: str = "") -> bool:
    """Set the status of a Subscription that nobody has changed since; False where somebody has.

    It is said in the name of the source whose word on the status holds, so that whoever may write the Subscription
    can ask for it again: a status is not knowledge about the world that two sources could differ on.
    """
    if held.wanted.status == status and held.wanted.error == error:
        return True
    entity = await store.entity("Subscription", held.id)
    if entity is None or entity.deleted:
        return False
    win = contend(claims_on(entity.ledger, "status"))
    speaker = win.claim.speaker if win else source
    amend = Amend("Subscription", held.id, _changed(status, error), held.standing.version)
    try:
        await store.submit(Command(Statement(speaker, NAME, method="derivation"), (amend,)))
    except Refusal as refusal:
        log.info("subscription %s: not set to %s: %s", held.id, status, refusal.category.name)
        return False
    log.info("subscription %s is %s", held.id, status)
    return True


def _changed(status: str, error: str) -> Callable[[JsonObject], JsonObject]:
    def change(before: JsonObject) -> JsonObject:
        after = {name: value for name, value in before.items() if name != "error"}
        return {**after, "status": status, **({"error": error} if error else {})}

    return change
