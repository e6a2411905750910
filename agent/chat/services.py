"""The chat services there are: configurations (:mod:`fhirserver.world.configuration`), read as clients read them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from agent.tools.client import FhirClient, Unreachable
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.chats import ChatService
from fhirserver.world.chat_services import DEFAULT, KIND, InvalidService, chat_service
from fhirserver.world.configuration import KIND as SYSTEM
from fhirserver.world.configuration import NoConfiguration, configured

FRESH_SECONDS = 2.0
log = logging.getLogger("credence.chat")


class Services:
    """``clock``: seconds of any steady clock."""

    def __init__(self, client: FhirClient, clock: Callable[[], float] = time.monotonic):
        self._client, self._clock = client, clock
        self._known: dict[str, ChatService] = {}
        self._own = [ChatService(DEFAULT, "Chat")]
        self._read = float("-inf")
        self._told: set[str] = set()

    def add(self, service: ChatService) -> None:
        """One that there is without a configuration."""
        self._own.append(service)

    async def all(self) -> Sequence[ChatService]:
        """Those that are active."""
        await self._refresh()
        return list(self._known.values())

    async def find(self, id: str) -> ChatService:
        """One that is active. Refuses (404)."""
        await self._refresh()
        found = self._known.get(id)
        if found is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such chat service")
        return found

    async def _refresh(self) -> None:
        now = self._clock()
        if now - self._read < FRESH_SECONDS:
            return
        self._read = now
        try:
            found = await self._client.search("Library", [("type", f"{SYSTEM}|{KIND}"), ("_count", "200")])
        except Unreachable:
            if self._known:
                return  # as it was a moment ago
            self._read = float("-inf")
            raise refuse(Category.BUSY, "transient", "The chat services cannot be read") from None
        known = {one.id: one for one in self._own}
        for resource in found:
            self._take(resource, known)
        self._known = known

    def _take(self, resource: JsonObject, known: dict[str, ChatService]) -> None:
        id = str(resource.get("id", ""))
        try:
            told = configured(resource)
            service = chat_service(told.id, told.title, told.document)
        except (NoConfiguration, InvalidService) as error:
            known.pop(id, None)
            if id not in self._told:
                self._told.add(id)
                log.error("the chat service %s cannot be used: %s", id, error)
            return
        if told.status == "active":
            known[service.id] = service
        else:
            known.pop(service.id, None)
