"""The console's pages by their addresses."""

from __future__ import annotations

import asyncio

from starlette.routing import Router
from starlette.staticfiles import StaticFiles

from fhirserver.access.identity import Identity
from fhirserver.access.principals import Principals
from fhirserver.console.agent_pages import agent_routes
from fhirserver.console.analytics_pages import AnalyticsPages
from fhirserver.console.beneath import beneath
from fhirserver.console.call_pages import CallPages
from fhirserver.console.campaign_pages import CampaignPages
from fhirserver.console.connector_pages import ConnectorPages
from fhirserver.console.desk import HERE, HOME, Desk, Endpoint
from fhirserver.console.live import Live
from fhirserver.console.live_call_pages import LiveCallPages
from fhirserver.console.live_sound import LiveSound
from fhirserver.console.message_pages import MessagePages
from fhirserver.console.patient_pages import PatientPages
from fhirserver.console.quality_pages import QualityPages
from fhirserver.console.queue_pages import QueuePages
from fhirserver.console.review_pages import ReviewPages
from fhirserver.console.sessions import Sessions
from fhirserver.console.sign_in import SignIn
from fhirserver.console.subscription_pages import SubscriptionPages
from fhirserver.console.terminology_routes import terminology_routes
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.recordings import Listening
from fhirserver.interactions.registry import Registry

SIGN_INS = frozenset({f"{HOME}/sign-in"})
"""Where a secret is sent: failures there are counted."""


def static_files() -> StaticFiles:
    """Style sheet and scripts."""
    return StaticFiles(directory=HERE / "static")


def console(
    context: Context,
    registry: Registry,
    principals: Principals,
    identity: Identity,
    ending: asyncio.Event,
    listening: Listening,
    prefix: str = "",
) -> Router:
    """The router of all console pages. ``identity`` knows the operators and their sessions; ``ending`` is set
    when the server is about to stop; ``listening`` gives out the recordings of calls; ``prefix`` is the path
    beneath which others find all this."""
    desk = Desk(context, registry, Sessions(principals, identity, prefix), prefix)
    sound = LiveSound(desk, ending)
    router = Router()
    sign_in = SignIn(desk, identity)
    for method, path, endpoint in _routes(desk, sign_in, ending, listening, sound):
        router.add_route(f"{HOME}{path}", beneath(prefix, endpoint), [method], include_in_schema=False)
    router.add_websocket_route(f"{HOME}/live/{{id}}/sound", sound.serve)
    return router


def _routes(
    desk: Desk, sign_in: SignIn, ending: asyncio.Event, listening: Listening, sound: LiveSound
) -> list[tuple[str, str, Endpoint]]:
    queue, review = QueuePages(desk, sign_in), ReviewPages(desk)
    patients, quality, connectors = PatientPages(desk), QualityPages(desk), ConnectorPages(desk)
    messages, subscriptions = MessagePages(desk), SubscriptionPages(desk)
    calls, past = LiveCallPages(desk, ending), CallPages(desk, listening)
    analytics = AnalyticsPages(desk)
    campaigns = CampaignPages(desk, ending)
    ours, guarded = desk.sent_from_here, desk.signed_in
    return [
        ("GET", "", queue.queue),
        ("POST", "/sign-in", sign_in.sign_in),
        ("POST", "/sign-out", ours(sign_in.sign_out)),
        *sign_in.upstream_routes,
        ("GET", "/events", Live(desk, ending).events),
        ("GET", "/queue", guarded(queue.fragment)),
        ("POST", "/queue/undo", ours(queue.undo)),
        ("POST", "/queue/{decision:str}", ours(queue.decide)),
        ("GET", "/review/{id}", guarded(review.item)),
        ("GET", "/review/{id}/state", guarded(review.state)),
        ("POST", "/review/{id}/{decision}", ours(review.decide)),
        ("GET", "/patients", guarded(patients.search)),
        ("GET", "/patient/{id}", guarded(patients.patient)),
        ("GET", "/provenance/{id}", guarded(patients.provenance)),
        ("GET", "/quality", guarded(quality.quality)),
        ("GET", "/quality/figures", guarded(quality.figures)),
        ("GET", "/analytics", guarded(analytics.analytics)),
        ("GET", "/analytics/export", guarded(analytics.export)),
        ("GET", "/messages", guarded(messages.messages)),
        ("GET", "/messages/list", guarded(messages.fragment)),
        ("GET", "/messages/{key:path}", guarded(messages.message)),
        ("POST", "/messages/{key:path}/{decision}", ours(messages.decide)),
        ("GET", "/live", guarded(calls.calls)),
        ("GET", "/live/list", guarded(calls.fragment)),
        ("GET", "/live/{id}", guarded(calls.call)),
        ("GET", "/live/{id}/talk", guarded(calls.talk)),
        ("GET", "/live/{id}/state", guarded(calls.state)),
        ("GET", "/live/{id}/doings", guarded(calls.doings)),
        ("GET", "/live/{id}/events", calls.events),
        ("GET", "/live/{id}/audio", guarded(calls.audio)),
        ("POST", "/live/{id}/pass", ours(sound.let_in)),
        ("POST", "/live/{id}/{action}", ours(calls.act)),
        ("GET", "/calls", guarded(past.calls)),
        ("GET", "/calls/{id}", guarded(past.call)),
        ("GET", "/calls/{id}/sound", guarded(past.sound)),
        ("GET", "/campaigns", guarded(campaigns.campaigns)),
        ("GET", "/campaigns/list", guarded(campaigns.fragment)),
        ("GET", "/campaigns/events", campaigns.events),
        ("GET", "/campaigns/{id}", guarded(campaigns.campaign)),
        ("GET", "/campaigns/{id}/figures", guarded(campaigns.figures)),
        ("GET", "/campaigns/{id}/people", guarded(campaigns.members)),
        ("GET", "/campaigns/{id}/events", campaigns.events),
        ("POST", "/campaigns/{id}/{action}", ours(campaigns.act)),
        ("GET", "/subscriptions", guarded(subscriptions.subscriptions)),
        ("GET", "/subscriptions/list", guarded(subscriptions.fragment)),
        ("POST", "/subscriptions/{id}/{step}", ours(subscriptions.step)),
        *agent_routes(desk),
        *terminology_routes(desk),
        ("GET", "/connectors", guarded(connectors.connectors)),
        ("GET", "/connectors/list", guarded(connectors.fragment)),
        ("GET", "/connectors/{id}", guarded(connectors.connector)),
        ("GET", "/connectors/{id}/state", guarded(connectors.state)),
        ("POST", "/connectors/{id}/rehearse", ours(connectors.rehearse)),
        ("POST", "/connectors/{id}/letters/{decision}", ours(connectors.decide)),
        ("POST", "/connectors/{id}/{step}", ours(connectors.step)),
    ]
