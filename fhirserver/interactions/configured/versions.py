"""An agent's versions: a draft that is worked on, versions that are kept and never change, and the one in force.

``Library/<id>`` is what is in force: it has the document and the number of its version, and its history says what was
in force when, by whose word. ``Library/<id>.draft`` is the draft, ``Library/<id>.v<n>`` the n-th version that was
published. Putting one into force is one write of ``Library/<id>``, so two who do it at once cannot both have done it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fhirserver.interactions.configured.libraries import Libraries, Past, etag
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.ports.agents import ERROR, Fault
from fhirserver.world.configuration import Configured, url_of

KIND = "agent"
IN_FORCE, KEPT, DRAFT = "active", "retired", "draft"
Check = Callable[[str, JsonObject], Sequence[Fault]]
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Versions:
    """The agents of a workspace, as who asks. Every method raises Refusal for what may not or cannot be done."""

    libraries: Libraries
    check: Check

    async def agents(self, limit: int, cursor: str = "") -> tuple[Sequence[Configured], str]:
        """A page of agents, each as it is in force (or not), and the cursor of the next."""
        return await self.libraries.page(
            KIND, ("url:missing", "true"), ("_sort", "_id"), limit=limit, cursor=cursor
        )

    async def agent(self, id: str) -> Configured:
        """An agent as it is in force; its status says whether it is."""
        return await self.libraries.read(KIND, id)

    async def create(self, id: str, title: str, description: str, document: JsonObject) -> Configured:
        """A new agent with a draft and nothing in force; 409 where the id is taken."""
        head = await self.libraries.write(
            Configured(KIND, id, title, {}, DRAFT, "", description), only_new=True
        )
        draft = Configured(KIND, f"{id}.draft", title, document, DRAFT, url=url_of(id))
        await self.libraries.write(draft)
        return head

    async def draft(self, id: str) -> Configured:
        """The draft; of an agent without one, what is in force."""
        head = await self.agent(id)
        return await self.libraries.find(KIND, f"{id}.draft") or replace(head, revision="0")

    async def save(self, id: str, document: JsonObject, if_match: str = "") -> Configured:
        """Write the draft: also one with faults, so that nothing is lost."""
        head = await self.agent(id)
        draft = Configured(KIND, f"{id}.draft", head.title, document, DRAFT, url=url_of(id))
        return await self.libraries.write(draft, if_match)

    async def published(self, id: str) -> Sequence[Configured]:
        """All versions that are kept, the latest first."""
        kept = await self.libraries.all(KIND, ("url", url_of(id)), ("status", KEPT))
        return sorted(kept, key=lambda one: int(one.version or 0), reverse=True)

    async def version(self, id: str, number: int) -> Configured:
        """One of them; refuses (404) where there is none."""
        return await self.libraries.read(KIND, f"{id}.v{number}")

    async def publish(self, id: str, note: str, if_match: str = "") -> Configured:
        """Keep the draft as the next version. Refuses (422) one with errors, with the place of each."""
        draft = await self.draft(id)
        if if_match and if_match != etag(draft):
            raise refuse(
                Category.PRECONDITION_FAILED, "conflict", "The draft has changed meanwhile", "If-Match"
            )
        self._sound(draft.document)
        for _ in range(_TRIES):
            latest = next(iter(await self.published(id)), None)
            number = int(latest.version) + 1 if latest else 1
            kept = Configured(
                KIND, f"{id}.v{number}", draft.title, draft.document, KEPT, str(number), note, url=url_of(id)
            )
            try:
                return await self.libraries.write(kept, only_new=True)
            except Refusal as refusal:
                if refusal.category is not Category.CONFLICT:
                    raise
        raise refuse(Category.CONFLICT, "conflict", "Others publish at this moment: try again")

    async def activate(self, id: str, number: int, if_match: str = "") -> Configured:
        """Put a version into force: conversations that begin from now on have it. An earlier one rolls back."""
        head, kept = await self.agent(id), await self.version(id, number)
        self._sound(kept.document)
        changed = replace(head, document=kept.document, status=IN_FORCE, version=str(number))
        return await self.libraries.write(changed, if_match or etag(head))

    async def retire(self, id: str, if_match: str = "") -> Configured:
        """Take the agent out of force: what it answered is answered as the settings say."""
        head = await self.agent(id)
        return await self.libraries.write(replace(head, status=KEPT), if_match or etag(head))

    async def rename(
        self, id: str, title: str | None, description: str | None, if_match: str = ""
    ) -> Configured:
        """What an agent is called; its versions keep the words they had."""
        head = await self.agent(id)
        named = replace(
            head,
            title=head.title if title is None else title,
            description=head.description if description is None else description,
        )
        return await self.libraries.write(named, if_match or etag(head))

    async def delete(self, id: str) -> None:
        """Delete an agent with its draft and versions; 409 where it is in force."""
        head = await self.agent(id)
        if head.status == IN_FORCE:
            raise refuse(Category.CONFLICT, "conflict", "The agent is in force: retire it first")
        for one in await self.libraries.all(KIND, ("url", url_of(id))):
            await self.libraries.delete(KIND, one.id)
        await self.libraries.delete(KIND, id, etag(head))

    async def history(self, id: str) -> Sequence[Past]:
        """What was in force when, by whose word; the latest first."""
        await self.agent(id)
        return await self.libraries.history(id)

    async def document(self, id: str, which: str) -> JsonObject:
        """A document by name: ``draft``, ``active`` or the number of a version."""
        if which == "draft":
            return (await self.draft(id)).document
        if which == "active":
            return (await self.agent(id)).document
        return (await self.version(id, int(which))).document

    def _sound(self, document: JsonObject) -> None:
        refuse_faults(self.check(KIND, document))


def refuse_faults(faults: Sequence[Fault]) -> None:
    """Refuse (422) a document with errors: an issue for each, with its place."""
    errors = [Issue("value", one.detail, (one.pointer or "/",)) for one in faults if one.severity == ERROR]
    if errors:
        first = Issue("invalid", "The document has errors and cannot be put into force")
        raise Refusal(Category.UNPROCESSABLE, [first, *errors])
