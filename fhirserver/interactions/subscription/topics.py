"""The topics that are stored, by canonical URL. Each is a Basic; :mod:`.topic_form` says how."""

from __future__ import annotations

from fhirserver.interactions.subscription.topic import Topic, read_topic
from fhirserver.interactions.subscription.topic_form import topic_of
from fhirserver.interactions.subscription.vocabulary import FHIR_TYPES, TOPIC_TYPE
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.storage import Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query, TokenIs
from fhirserver.store.store import Store

_PAGE = 200
_ALL = Query("Basic", TokenIs("code", FHIR_TYPES, TOPIC_TYPE), count=_PAGE)


class Topics:
    """The topics as of the last :meth:`refresh`, which costs nothing where no commit came since."""

    def __init__(self, store: Store):
        self._store = store
        self._seen = -1
        self._known: dict[str, tuple[Version, JsonObject, Topic]] = {}

    async def refresh(self) -> None:
        """Take up what is stored by now."""
        head = (await self._store.storage.head()).projected
        if head == self._seen:
            return
        known = {}
        for version in await self._stored():
            before = self._known.get(version.id)
            known[version.id] = before if before and before[0] == version else _read(version)
        self._known, self._seen = known, head

    async def _stored(self) -> list[Version]:
        query, found = _ALL, list[Version]()
        while True:
            page = await self._store.storage.search(query)
            found += page.versions
            if not page.cursor:
                return found
            query = Query("Basic", _ALL.where, count=_PAGE, cursor=decode(page.cursor, ()))

    def find(self, canonical: str) -> Topic | None:
        """The active topic with a canonical URL: of the version after ``|``, else of the latest."""
        url, _, version = canonical.partition("|")
        fitting = [
            topic
            for _, _, topic in self._known.values()
            if topic.url == url and topic.status != "retired" and version in ("", topic.version)
        ]
        return max(fitting, key=lambda topic: (topic.status == "active", _order(topic.version)), default=None)

    def resources(self) -> list[JsonObject]:
        """Every topic as a SubscriptionTopic, in the order in which they were made."""
        return [json for _, json, _ in self._known.values()]

    def known(self) -> tuple[tuple[str, int], ...]:
        """Which topics in which versions there are: what a change of them is seen by."""
        return tuple((id, version.version) for id, (version, _, _) in self._known.items())

    def urls(self) -> list[str]:
        """The canonical URLs that may be subscribed to."""
        return sorted({topic.url for _, _, topic in self._known.values() if topic.status != "retired"})


def _order(version: str) -> tuple[tuple[int, str], ...]:
    """Versions in the order of their numbers."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in version.split("."))


def _read(version: Version) -> tuple[Version, JsonObject, Topic]:
    json = topic_of(loads(version.content))
    return version, json, read_topic(json)[0]
