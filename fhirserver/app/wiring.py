"""Wiring: the concrete classes put together. Nothing else names them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.routing import Mount, Router, WebSocketRoute

from adapters.runner.compensation import Compensation
from adapters.runner.lease import Leases
from adapters.runner.process import this_process
from adapters.runner.runner import Runner
from adapters.runner.status import tell_unable
from adapters.runner.supervisor import Supervisor
from agent.live.board import LiveBoard
from agent.live.joined import JoinedBoards
from agent.live.remote import RemoteBoard
from agent.voice.kept import KeptRecordings
from fhirserver.access.audit.projecting import AuditEvents
from fhirserver.access.desk_passes import DeskPasses
from fhirserver.access.identity import Identity
from fhirserver.access.inside import InsidePrincipals
from fhirserver.access.owners import Owners
from fhirserver.access.principals import Principals
from fhirserver.app.agency import House, Lodger, move_in
from fhirserver.app.auditing import Auditing
from fhirserver.app.chatting import chat_board
from fhirserver.app.configuration_guard import ConfigurationGuard
from fhirserver.app.connectors.catalogue import Catalogue
from fhirserver.app.connectors.desk import Desk
from fhirserver.app.connectors.guard import ConnectorGuard
from fhirserver.app.connectors.hearing import Hearing, notification_routes
from fhirserver.app.connectors.kind import Workmates
from fhirserver.app.connectors.webhooks import Webhooks
from fhirserver.app.following import analytics_loops, webhook_loops
from fhirserver.app.guards import Guards
from fhirserver.app.hosting import Host, Hosting
from fhirserver.app.humans import people_desk
from fhirserver.app.identity import make_identity
from fhirserver.app.inside_way import InsideWay
from fhirserver.app.knowing import make_knowing
from fhirserver.app.late_agents import LateAgents, check
from fhirserver.app.late_records import LateRecords
from fhirserver.app.messages import LateMessages
from fhirserver.app.observing.watching import Watching, watched
from fhirserver.app.securing import Humans, secure
from fhirserver.app.server_key import server_key
from fhirserver.app.settings import SYSTEM, Settings
from fhirserver.app.storages import make_storage
from fhirserver.app.subscribing import Outlets, make_outlets, make_sockets, subscription_loops
from fhirserver.app.verification_settings import VerificationSettings
from fhirserver.console.pages import SIGN_INS, console, static_files
from fhirserver.interactions.all import full_registry
from fhirserver.interactions.analytics.projection import Projection
from fhirserver.interactions.capabilities import capabilities
from fhirserver.interactions.conformance.resources import definitions_of, keys_of, publish
from fhirserver.interactions.exchange import Context, Limits
from fhirserver.interactions.openapi.handler import openapi
from fhirserver.interactions.recordings import Listening
from fhirserver.interactions.registry import Handler, Registry
from fhirserver.interactions.search_parameters import patched_issues
from fhirserver.interactions.subscription.channel_checks import Channels
from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.validation import validate
from fhirserver.operations.all import all_operations
from fhirserver.ports.live_calls import LiveCalls
from fhirserver.ports.texts_out import TextsOut
from fhirserver.rest.application import Application, web_application
from fhirserver.rest.edge import FhirEdge
from fhirserver.rest.jobs import Jobs
from fhirserver.rest.live_calls import LiveRoutes
from fhirserver.rest.live_texts import TextRoutes
from fhirserver.rest.recordings import RecordingRoutes
from fhirserver.rest.smart.documents import SMART_CONFIGURATION
from fhirserver.rest.smart.sign_in import SIGN_IN
from fhirserver.rest.spool import Spool
from fhirserver.rest.visits import Visits
from fhirserver.storage.sqlite.shelf import DiskShelf
from fhirserver.store.conformance import StoredConformance
from fhirserver.store.definitions import Definitions
from fhirserver.store.followers import follow
from fhirserver.store.generation import OLD_INDEX, index_is_current
from fhirserver.store.growth import Growth
from fhirserver.store.relinking import Relinking
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.judge.agreement import RULES
from fhirserver.world.judge.deterministic import DeterministicJudge
from subscriptions.ageing import Ageing
from subscriptions.channels.websocket import PATH as SOCKETS
from subscriptions.duplicates import AT_A_TIME, Duplicates
from subscriptions.policy_changes import PolicyChanges, record
from subscriptions.review_upkeep import ReviewUpkeep
from subscriptions.second_opinion import SecondOpinions
from subscriptions.sweep import Sweep
from subscriptions.verification import Verification
from terminology.built_in import resources

if TYPE_CHECKING:
    from adapters.openai.judge import OpenAiJudge
    from adapters.openai.settings import ModelSettings

IDLE_SECONDS = 5.0
INDEX_SECONDS = 0.5
BUSY_SECONDS = 0.2
IDLE_BATCH = 20
FEED_BATCH = 5
BREATH_SECONDS = 1.0
"""While the log grows by more than an idle lot a breath, a smaller lot each breath: a feed that never rests must not
keep them waiting for ever. One commit takes about as long as deciding it did, and its messages wait for that."""
POLICY_SECONDS = 1.0
LOT_SECONDS = 0.01
"""The pause between two lots, which belongs to those who wait for answers."""

log = logging.getLogger("credence.wiring")

Loop = Callable[[], Coroutine[Any, Any, None]]


class Part(Enum):
    """What a process is among those that serve together: the first also runs the followers."""

    ALONE = "alone"
    FIRST = "first"
    FURTHER = "further"


def make_store(settings: Settings, shared: bool = False, guards: Guards | None = None) -> Store:
    """The store, not yet open. ``shared``: other processes serve from it too."""
    guarding = (guards or make_guards(settings)).by_type
    policies = Policies(settings.sources, _validate_patched, settings.policy, guarding)
    return Store(make_storage(settings, shared), policies)


def _validate_patched(resource: JsonObject) -> Sequence[Issue]:
    return [*validate(resource), *patched_issues(resource)]


def make_context(settings: Settings, store: Store, channels: Channels | None = None) -> Context:
    conformance = StoredConformance(store)
    reserved = keys_of(definitions_of(all_operations()))
    knowing = make_knowing(settings, store, conformance, reserved)
    return Context(
        store,
        settings.fhir_base,
        settings.policy,
        conformance,
        knowing.validator,
        knowing.terminology,
        Limits(**settings.limits),
        definitions=Definitions(resources()),
        reserved=reserved,
        claims=settings.claims,
        review=settings.review,
        key=server_key(settings),
        channels=channels or Channels(),
        audit_events=AuditEvents(store, settings.fhir_base),
        browsing=knowing.browsing,
        recordings=KeptRecordings(settings.voice.recordings) if settings.voice.recordings else None,
        concept_maps=knowing.concept_maps,
        closures=knowing.mapping.closures,
        kept_resources=knowing.mapping.kept_resources,
        naming=knowing.mapping.names,
        analytics=Projection(store, DiskShelf),
    )


class _Closing(Protocol):
    async def close(self) -> None: ...


def remote_board(settings: Settings) -> RemoteBoard | None:
    """The calls of the process that answers the telephone; None where there is no telephone."""
    if settings.telephony is None:
        return None
    passes = DeskPasses(server_key(settings))
    scheme, tls = ("https", settings.tls.own_context()) if settings.tls else ("http", None)
    return RemoteBoard(f"{scheme}://{settings.voice.host}:{settings.voice.port}", passes.issue, tls=tls)


def make_application(
    settings: Settings,
    part: Part = Part.ALONE,
    board: LiveBoard | None = None,
    humans: Humans | None = None,
    within: Hosting | None = None,
) -> Application:
    """The whole server as one ASGI application. Its lifespan opens the store and runs the followers.

    ``board``: where calls of this process are put for the operators; without one, those of the telephone's process.
    ``within``: for a workspace in another's server.
    """
    first = part is not Part.FURTHER
    store = make_store(settings, part is not Part.ALONE, guards := make_guards(settings))
    outlets = make_outlets(settings)
    context = make_context(settings, store, outlets.checked())
    catalogue = make_catalogue(settings, context, part)
    desk = Desk(store, settings.policy, catalogue)
    far, chats, live_calls = _boards(settings, first, board)
    auditing = Auditing(settings, store, first, part is Part.ALONE)
    context = replace(
        context,
        connectors=desk,
        messages=LateMessages(store, catalogue, desk),
        live=live_calls,
        audit=auditing.recorder,
        agents=LateAgents(lambda: way),
    )
    webhooks = Webhooks(store, catalogue, settings.secrets)
    identity = make_identity(settings, store.storage)
    people = people_desk(identity, context, lambda: registry)
    secured = secure(settings, store, context.key, context.audit, humans or people.humans, guards)
    principals, cors = InsidePrincipals(secured.principals), secured.cors
    sockets = make_sockets(context, principals, secured.owners)
    registry = full_registry(all_operations(), _describing(bool(cors.origins), secured.security))
    state = {"ready": False}
    watching = Watching(settings, store, desk, principals, lambda: state["ready"])
    ears: list[Hearing] = []
    staying: list[Lodger] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await store.open()
        await auditing.begin()
        await secured.refresh()
        if first:
            await _publish(settings, store, registry, catalogue)
        supervisor = make_supervisor(settings, context, catalogue)
        ears.append(Hearing(catalogue, desk, settings.secrets, partial(_at_work, supervisor)))
        everywhere: tuple[tuple[str, Loop], ...] = (
            ("connectors", supervisor.run),
            ("sockets", sockets.run),
            *((("calls", far.run),) if far else ()),
            *auditing.loops(),
            *secured.loops,
            *watching.loops(),
        )
        loops = _loops(settings, context, edge, outlets, secured.owners) if first else ()
        for one in staying:
            await one.open()
        async with running((*loops, *everywhere, *(loop for one in staying for loop in one.loops))):
            state["ready"] = True
            yield
            state["ready"] = False
        await _end((*staying, outlets, secured, jobs, webhooks, identity), auditing, store)

    jobs = Jobs(Spool(_spool_folder(settings), passing=settings.storage == "memory"))
    visits = Visits(settings.rates, settings.trusted_proxies)
    told = openapi(registry, version("credence"))
    edge = FhirEdge(context, registry, principals, "/fhir", told, cors, jobs, watching.meter, visits)
    way = InsideWay(settings.fhir_base, edge, principals)
    ending = asyncio.Event()
    routers = _routers(settings, context, registry, identity, principals, secured.people, ending, far)
    live = LiveRoutes(live_calls, principals, ending, far, context.audit).router()
    web = web_application(lifespan, watching.routes(), *routers, live)
    hosting = within or Host(
        settings,
        LateRecords(store.storage),
        context.key,
        first,
        lambda chosen, guest: make_application(chosen, part, within=guest),
    )
    house = House(
        settings,
        context,
        registry,
        principals,
        edge,
        live_calls,
        ending,
        first,
        secured.keys,
        hosting,
        way,
        part is not Part.ALONE,
        chats,
        far,
        far,
    )
    staying += move_in(web, house)
    web.router.routes += [
        *notification_routes(lambda: ears[0] if state["ready"] else None),
        webhooks.route(),
        *secured.routes,
        *people.routes(secured.server),
        WebSocketRoute(SOCKETS, sockets.serve),
        _static(),
    ]
    return hosting.beside(
        Application(edge, web, ending.set, {SMART_CONFIGURATION}, watching.meter, SIGN_INS | {SIGN_IN})
    )


def _boards(
    settings: Settings, first: bool, board: LiveBoard | None
) -> tuple[RemoteBoard | None, LiveBoard | RemoteBoard | None, LiveCalls]:
    """Calls of the telephone's process, conversations by text, and both as operators see them."""
    far, chats = None if board else remote_board(settings), chat_board(settings, first)
    calls: LiveCalls = board or far or LiveBoard(settings.safety)
    return far, chats, JoinedBoards(calls, chats) if chats is not None else calls


def _routers(
    settings: Settings,
    context: Context,
    registry: Registry,
    identity: Identity,
    principals: Principals,
    operators: Principals,
    ending: asyncio.Event,
    out: TextsOut | None,
) -> Sequence[Router]:
    """The console's pages, the sound of calls, and messages that are ordered."""
    listening = Listening(context, registry)
    pages = console(context.veiled, registry, operators, identity, ending, listening, settings.prefix)
    recordings = RecordingRoutes(listening, principals, context.audit).router()
    return pages, recordings, TextRoutes(principals, out, context.audit).router()


def _static() -> Mount:
    return Mount("/console/static", static_files())


def _describing(cors: bool, security: JsonObject) -> Callable[[Registry], Handler]:
    """What makes the CapabilityStatement."""
    started = instant(SystemClock().now())
    return partial(capabilities, version=version("credence"), started=started, cors=cors, security=security)


async def _end(parts: Iterable[_Closing], auditing: Auditing, store: Store) -> None:
    """Close what works with the store, then what notes it, then the store."""
    for one in parts:
        await one.close()
    await auditing.end()
    await store.close()


def _at_work(supervisor: Supervisor, name: str) -> Runner | None:
    """The connector as it is at work in this process, if it is."""
    work = supervisor.work(name)
    return work if isinstance(work, Runner) else None


async def _publish(settings: Settings, store: Store, registry: Registry, catalogue: Catalogue) -> None:
    """State what the server itself has to say: its policy, its definitions, the connectors of the settings."""
    await _warn_of_old_index(store)
    await record(store, settings.policy, SYSTEM.id)
    await publish(store, definitions_of(registry.operations), SYSTEM.id)
    await catalogue.publish()


async def _warn_of_old_index(store: Store) -> None:
    if not await index_is_current(store.storage):
        log.warning("%s", OLD_INDEX)


def _spool_folder(settings: Settings) -> Path:
    """Where the answers to asynchronous requests wait: beside the data, so that every worker finds them."""
    if settings.storage == "memory":
        return Path(tempfile.gettempdir()) / f"credence-async-{secrets.token_hex(8)}"
    return settings.path.parent / "async"


def _loops(
    settings: Settings, context: Context, edge: FhirEdge, outlets: Outlets, owners: Owners
) -> Sequence[tuple[str, Loop]]:
    """The followers of the log and the loops of every connector."""
    store = context.store
    duplicates = Duplicates(store, busy=lambda: time.monotonic() - edge.last_request < BUSY_SECONDS)
    loops: list[tuple[str, Loop]] = [
        *_verifying(settings, context),
        *subscription_loops(settings, context, outlets, owners),
        *webhook_loops(settings, context),
        *analytics_loops(context),
        ("duplicates", lambda: follow(store, duplicates, SYSTEM.id, batch=AT_A_TIME)),
        ("provenance", lambda: _derive_when_idle(store, edge)),
        ("index", lambda: _keep_index_complete(store)),
        ("policy", lambda: _keep_to_policy(settings, store)),
        ("relinking", lambda: follow(store, Relinking(store, SYSTEM.id), SYSTEM.id)),
        ("compensation", lambda: follow(store, Compensation(store, SYSTEM.id), SYSTEM.id)),
    ]
    return loops


def _verifying(settings: Settings, context: Context) -> Sequence[tuple[str, Loop]]:
    """The follower that verifies, the sweep behind it, and the second judge where one is set."""
    store, policy, checks = context.store, context.policy, settings.verification
    rules, patience = DeterministicJudge(checks.directory), checks.transcript_patience
    verification = Verification(
        store, policy, rules, settings.sources, patience=patience, mode=checks.agreement
    )
    upkeep = ReviewUpkeep(store, policy, context.review, SYSTEM.id)
    sweep = Sweep(store, policy, verification, SYSTEM.id)
    loops: list[tuple[str, Loop]] = [
        ("verification", lambda: follow(store, verification, SYSTEM.id, (upkeep,))),
        ("verification-sweep", sweep.run),
        ("review", upkeep.run),
    ]
    if checks.agreement != RULES:
        from adapters.openai.judge import OpenAiJudge

        model = OpenAiJudge(model_settings(checks))
        second = SecondOpinions(
            store, policy, rules, model, checks.agreement, SYSTEM.id, checks.model_patience
        )
        loops.append(("second-opinion", lambda: _asking(second, model)))
    return loops


async def _asking(second: SecondOpinions, model: OpenAiJudge) -> None:
    async with contextlib.aclosing(model):
        await second.run()


def model_settings(checks: VerificationSettings) -> ModelSettings:
    """How the language model of the settings is reached."""
    from adapters.openai.settings import ModelSettings

    return ModelSettings(
        checks.key(),
        checks.model,
        checks.model_url,
        checks.model_timeout,
        checks.model_retries,
        checks.model_daily_tokens,
    )


def make_guard(settings: Settings) -> ConnectorGuard:
    """What an Endpoint that is a connector is held to."""
    admins = [principal for _, principal in settings.principals if principal.may("admin")]
    taken = [connector.name for connector in settings.connectors]
    return ConnectorGuard(SYSTEM.id, admins, settings.sources, settings.folder, taken)


def make_guards(settings: Settings) -> Guards:
    """What resources are held to that set the server up."""
    admins = [principal for _, principal in settings.principals if principal.may("admin")]
    return Guards(make_guard(settings), ConfigurationGuard(SYSTEM.id, admins, check))


def make_catalogue(settings: Settings, context: Context, part: Part = Part.ALONE) -> Catalogue:
    """All connectors there are."""
    guard, mates = make_guard(settings), _workmates(settings, part)
    return Catalogue(context, settings.connectors, settings.secrets, guard, SYSTEM.id, mates)


def _workmates(settings: Settings, part: Part) -> Workmates | None:
    """The other workers, where they can hand each other connections (:mod:`adapters.hl7v2.mllp.doorway`)."""
    if part is Part.ALONE or settings.storage != "sqlite" or sys.platform != "linux":
        return None
    path = settings.path
    return Workmates(path.with_name(f"{path.name}-listeners"), rank=int(part is Part.FIRST))


def make_supervisor(settings: Settings, context: Context, catalogue: Catalogue) -> Supervisor:
    """The connectors of this process."""
    cells = context.store.storage.cells
    leases = Leases(cells, settings.lease_seconds)
    return Supervisor(leases, catalogue.plans, partial(tell_unable, cells, this_process()))


async def _derive_when_idle(store: Store, edge: FhirEdge) -> None:
    """Write Provenance resources ahead of time, a little at a time, when nobody has asked anything for a while.

    What messages bring in nobody asks for here, but somebody waits for its answer: then a lot has to do at a time.
    """
    more, growth = False, Growth(lambda: store.head)
    while True:
        fast = growth.rate * BREATH_SECONDS > IDLE_BATCH
        await asyncio.sleep(IDLE_SECONDS if not more else BREATH_SECONDS if fast else 0)
        idle, lot = time.monotonic() - edge.last_request > IDLE_SECONDS, FEED_BATCH if fast else IDLE_BATCH
        more = idle and (
            await store.derive_some(lot)
            or await store.storage.settle(lot)
            or await store.contained.follow_some()
        )


async def _keep_index_complete(store: Store) -> None:
    """Take up search parameters that users define, whichever process they were stored by."""
    while True:
        try:
            await store.complete_index()
        except Exception as error:  # the storage may be back the next time
            log.warning("indexing by users' search parameters failed: %s", type(error).__name__)
        await asyncio.sleep(INDEX_SECONDS)


async def _keep_to_policy(settings: Settings, store: Store) -> None:
    """Apply a policy that has changed to what is stored, and let claims age, a lot at a time."""
    changes = PolicyChanges(store, settings.policy, settings.sources, SYSTEM.id)
    ageing = Ageing(store, settings.policy, settings.sources, SYSTEM.id)
    while True:
        more = False
        try:
            more = await changes.step() or await ageing.step()
        except Exception as error:  # decided on what has changed meanwhile, or the storage may be back
            log.info("applying the policy: %s, once more", type(error).__name__)
        await asyncio.sleep(LOT_SECONDS if more else POLICY_SECONDS)


@contextlib.asynccontextmanager
async def running(loops: Sequence[tuple[str, Loop]]) -> AsyncIterator[None]:
    """Run background loops for as long as the block lasts."""
    tasks = [watched(name, loop) for name, loop in loops]
    try:
        yield
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: before Python 3.12 ``asyncio.wait_for`` may lose a cancellation that
    comes with its result, and one lost cancellation must not keep the server from stopping."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.25)
