"""The console's pages by their addresses."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter
from fastapi.staticfiles import StaticFiles

from fhirserver.access.principals import Principals
from fhirserver.console.connector_pages import ConnectorPages
from fhirserver.console.desk import HERE, HOME, Desk, Endpoint
from fhirserver.console.live import Live
from fhirserver.console.message_pages import MessagePages
from fhirserver.console.patient_pages import PatientPages
from fhirserver.console.quality_pages import QualityPages
from fhirserver.console.queue_pages import QueuePages
from fhirserver.console.review_pages import ReviewPages
from fhirserver.console.sessions import Sessions
from fhirserver.console.sign_in import SignIn
from fhirserver.console.subscription_pages import SubscriptionPages
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.registry import Registry


def static_files() -> StaticFiles:
    """Style sheet and scripts."""
    return StaticFiles(directory=HERE / "static")


def console(
    context: Context,
    registry: Registry,
    principals: Principals,
    folder: Path | None,
    ending: asyncio.Event,
) -> APIRouter:
    """The router of all console pages. ``folder`` keeps the sessions, for several processes; ``ending`` is set when
    the server is about to stop."""
    desk = Desk(context, registry, Sessions(principals, folder))
    router = APIRouter()
    for method, path, endpoint in _routes(desk, ending):
        router.add_route(f"{HOME}{path}", endpoint, [method], include_in_schema=False)
    return router


def _routes(desk: Desk, ending: asyncio.Event) -> list[tuple[str, str, Endpoint]]:
    sign_in = SignIn(desk)
    queue, review = QueuePages(desk, sign_in), ReviewPages(desk)
    patients, quality, connectors = PatientPages(desk), QualityPages(desk), ConnectorPages(desk)
    messages, subscriptions = MessagePages(desk), SubscriptionPages(desk)
    ours, guarded = desk.sent_from_here, desk.signed_in
    return [
        ("GET", "", queue.queue),
        ("POST", "/sign-in", sign_in.sign_in),
        ("POST", "/sign-out", ours(sign_in.sign_out)),
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
        ("GET", "/messages", guarded(messages.messages)),
        ("GET", "/messages/list", guarded(messages.fragment)),
        ("GET", "/messages/{key:path}", guarded(messages.message)),
        ("POST", "/messages/{key:path}/{decision}", ours(messages.decide)),
        ("GET", "/subscriptions", guarded(subscriptions.subscriptions)),
        ("GET", "/subscriptions/list", guarded(subscriptions.fragment)),
        ("POST", "/subscriptions/{id}/{step}", ours(subscriptions.step)),
        ("GET", "/connectors", guarded(connectors.connectors)),
        ("GET", "/connectors/list", guarded(connectors.fragment)),
        ("GET", "/connectors/{id}", guarded(connectors.connector)),
        ("GET", "/connectors/{id}/state", guarded(connectors.state)),
        ("POST", "/connectors/{id}/rehearse", ours(connectors.rehearse)),
        ("POST", "/connectors/{id}/letters/{decision}", ours(connectors.decide)),
        ("POST", "/connectors/{id}/{step}", ours(connectors.step)),
    ]
