"""What somebody may be told of events: judged by what they may do at that moment, as if they asked themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fhirserver.access.audit.hidden import AUDIT
from fhirserver.access.guarded import GuardedStore
from fhirserver.access.principals import PRIVACY, Principal
from fhirserver.access.visibility import forbidden
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.included import included
from fhirserver.interactions.permitted import narrowed
from fhirserver.interactions.subscription.matching import Condition
from fhirserver.interactions.subscription.record import Event
from fhirserver.interactions.subscription.trigger import Change, Interest
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.storage import Version
from fhirserver.search.compartments import PATIENT
from fhirserver.search.expression import And, Expression, IdIs, Or, Query, ReferenceIs


@dataclass(frozen=True)
class Sight:
    """One principal's. ``context`` has the store as they see it."""

    context: Context
    principal: Principal

    def may(self, type: str) -> bool:
        """Whether anything of a type may be seen at all."""
        return self.principal.may(PRIVACY if type == AUDIT else "read")

    @property
    def guarded(self) -> GuardedStore | None:
        """The store, where it is narrowed."""
        return self.context.store if isinstance(self.context.store, GuardedStore) else None

    async def focus(self, event: Event) -> Version | None:
        """The focus of an event as it was then; None where it may not be seen."""
        if not self.may(event.type):
            return None
        try:
            return await self.context.store.read_version(event.type, event.id, event.version)
        except Refusal:  # what it is allowed by cannot be asked any more
            return None

    async def beside(self, query: Query, focus: Version) -> tuple[Version, ...]:
        """What goes with a focus, as it is now."""
        try:
            more = (await included(self.context, query, [focus])).versions
        except Refusal:  # it would be found by what is masked
            return ()
        return tuple([one for one in more if not one.deleted and self.may(one.type)])

    async def is_event(self, interest: Interest, change: Change) -> bool:
        """Whether a change is an event for a subscription of theirs.

        Who does not see everything is not told by it of what they may not see, nor how often that happens: neither
        of the focus, nor of what their criteria ask of others.
        """
        guarded, version = self.guarded, change.current.version
        if guarded is None:
            return await interest.wants(change)
        try:
            wanted = await narrowed_to_sight(interest, guarded).wants(change)
            return wanted and self.may(version.type) and await guarded.shows(version)
        except Refusal:  # what it asks for may not be asked for any more
            return False


def narrowed_to_sight(interest: Interest, guarded: GuardedStore) -> Interest:
    """The interest, its own criteria and filters asked as its owner may ask. Raises a refusal (403)."""

    def narrow(one: Condition) -> Condition:
        return replace(one, where=guarded.narrow(one.type, one.where))

    criteria = narrow(interest.criteria) if interest.criteria else None
    filters = {type: [narrow(one) for one in conditions] for type, conditions in interest.filters.items()}
    return replace(interest, criteria=criteria, filters=filters)


def check_permitted(guarded: GuardedStore, interest: Interest) -> None:
    """Refuse (403) to subscribe to what may not be seen, by what may not be asked, or to what is another patient's.

    That is judged again at each event and each notification: here whoever asks is told at once.
    """
    if not any(type != AUDIT and guarded.may_see(type) for type in interest.types):
        raise forbidden(f"You may not be told of {', '.join(sorted(interest.types))}")
    narrowed_to_sight(interest, guarded)
    own = [interest.criteria] if interest.criteria else []
    conditions = [*own, *(one for of_type in interest.filters.values() for one in of_type)]
    if guarded.patients and any(_of_others(one.type, one.where, guarded.patients) for one in conditions):
        raise forbidden("This is about another patient than you may be told of")


def _of_others(type: str, where: Expression, patients: frozenset[str]) -> bool:
    """Whether it can only hold of what is about other patients than these."""
    match where:
        case And(of):
            return any(_of_others(type, one, patients) for one in of)
        case Or(of):
            return all(_of_others(type, one, patients) for one in of)
        case ReferenceIs(_, named, target) if named == PATIENT:
            return target not in patients
        case IdIs(id) if type == PATIENT:
            return id not in patients
    return False


async def sight_of(context: Context, principal: Principal) -> Sight:
    """What a principal may see by now."""
    if principal.permissions is None:
        return Sight(context.whole if principal.may(PRIVACY) else context.veiled, principal)
    await context.store.parameters.refresh()
    return Sight(narrowed(context.veiled, principal, principal.permissions), principal)


def sight_of_request(context: Context, principal: Principal) -> Sight:
    """The same for who asks now: the context is theirs already."""
    if principal.permissions is None and principal.may(PRIVACY):
        return Sight(context.whole, principal)
    return Sight(context, principal)
