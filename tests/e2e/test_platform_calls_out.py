"""``POST /platform/calls`` through all processes: the server, the telephone's, and Twilio's."""

from __future__ import annotations

import pytest

from adapters.platform_client.api.calls import create_call, list_calls, read_call
from adapters.platform_client.client import AuthenticatedClient
from adapters.platform_client.models.call_detail import CallDetail
from adapters.platform_client.models.call_ordered import CallOrdered
from adapters.platform_client.models.new_call import NewCall
from adapters.platform_client.models.page_call_listed import PageCallListed
from adapters.platform_client.models.problem import Problem
from tests.e2e.test_calls_out import Site, site
from tests.platform_client import client_of
from tests.voice_process import CALLER

pytest.importorskip("espeakng_loader")
pytestmark = pytest.mark.xdist_group("voice")
__all__ = ["site"]


def owner(site: Site) -> AuthenticatedClient:
    server = site.voice.server
    return client_of(server.root, server.tokens["admin"])


def ordered(site: Site, key: str, **other: str) -> CallOrdered | Problem | None:
    wanted = {"to": CALLER, "patient": "Patient/maria", "reason": "confirm", **other}
    return create_call.sync(client=owner(site), body=NewCall.from_dict(wanted), idempotency_key=key)


def test_the_same_key_calls_once(site: Site) -> None:
    site.callee(behaviour="no-answer")
    before = len(site.placed())
    first = ordered(site, "reminder-1")
    assert isinstance(first, CallOrdered) and not first.repeated and first.communication
    again = ordered(site, "reminder-1")
    assert isinstance(again, CallOrdered) and again.repeated and again.id == first.id
    assert len(site.placed()) == before + 1
    other = ordered(site, "reminder-1", reason="insurance")
    assert isinstance(other, Problem) and other.status == 422
    assert len(site.placed()) == before + 1
    listed = list_calls.sync(client=owner(site), direction="outbound", patient="Patient/maria")
    assert isinstance(listed, PageCallListed) and first.id in [one.id for one in listed.items]
    detail = read_call.sync(first.id, client=owner(site))
    assert isinstance(detail, CallDetail) and detail.direction == "outbound"


def test_who_may_not_be_called_is_refused_and_nothing_rings(site: Site) -> None:
    before = len(site.placed())
    for wrong, status in (({"to": "+14125550199"}, 422), ({"patient": "Patient/nobody"}, 422)):
        refused = ordered(site, f"wrong-{status}-{next(iter(wrong))}", **wrong)
        assert isinstance(refused, Problem) and refused.status == status, refused
    assert len(site.placed()) == before
