"""Who may change Libraries that are configuration, and what of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhirserver.access.principals import Principal
from fhirserver.app.configuration_guard import ConfigurationGuard
from fhirserver.app.late_agents import check
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.log import Statement
from fhirserver.world.configuration import Configured, library, url_of
from fhirserver.world.sources import Source

ADMIN = Principal("admin", Source("operator", "operator"), frozenset({"admin"}))
GUARD = ConfigurationGuard("credence", [ADMIN], check)
BY_ADMIN, BY_EHR = Statement("operator", "admin"), Statement("ehr", "ehr")
DESK = Configured("agent", "desk", "Desk", {"practice": "Lakeside"}, "active", "1")


def refused(before: dict[str, Any], after: dict[str, Any], statement: Statement) -> Category | None:
    try:
        GUARD(before, after, statement)
    except Refusal as refusal:
        return refusal.category
    return None


@pytest.mark.parametrize(
    "kind", ["agent", "scheduling-rules", "phone-number", "chat-service", "campaign", "form"]
)
def test_only_administrators_change_what_people_are_told(kind: str) -> None:
    documents: dict[str, dict[str, Any]] = {"phone-number": {"number": "+15555550100"}}
    made = library(Configured(kind, "x", "X", documents.get(kind, {}), "active"))
    assert refused({}, made, BY_EHR) is Category.FORBIDDEN
    assert refused(made, {}, BY_EHR) is Category.FORBIDDEN
    assert refused({}, made, BY_ADMIN) is None
    assert refused({}, made, Statement("credence", "")) is None


def test_what_it_was_or_becomes_counts() -> None:
    """It is no way round to make it another kind of Library first."""
    plain = {"resourceType": "Library", "id": "desk", "status": "active", "type": {"text": "x"}}
    assert refused(library(DESK), plain, BY_EHR) is Category.FORBIDDEN
    assert refused(plain, library(DESK), BY_EHR) is Category.FORBIDDEN
    assert refused(plain, {**plain, "title": "Mine"}, BY_EHR) is None


def test_what_is_said_again_is_nobodys_business() -> None:
    made = library(DESK)
    assert refused(made, {**made, "meta": {"versionId": "2"}}, BY_EHR) is None


def test_what_is_in_force_has_no_errors_and_a_draft_may() -> None:
    wrong = replace(DESK, document={"identity": {"attempts": 50}})
    assert refused({}, library(wrong), BY_ADMIN) is Category.UNPROCESSABLE
    assert refused({}, library(replace(wrong, status="draft")), BY_ADMIN) is None


def test_a_published_version_does_not_change() -> None:
    kept = replace(DESK, id="desk.v1", status="retired", url=url_of("desk"))
    changed = replace(kept, document={"practice": "Other"})
    assert refused({}, library(kept), BY_ADMIN) is None
    assert refused(library(kept), library(changed), BY_ADMIN) is Category.NOT_ALLOWED
    assert refused(library(kept), {}, BY_ADMIN) is None  # deleted with its agent


def test_a_document_has_an_end() -> None:
    huge = replace(DESK, document={"practice": "x" * 300_000}, status="draft")
    assert refused({}, library(huge), BY_ADMIN) is Category.TOO_LARGE
    made = library(DESK)
    made["content"] = [{"contentType": "application/json", "data": "!"}]
    assert refused({}, made, BY_ADMIN) is Category.UNPROCESSABLE
    del made["content"]
    assert refused({}, made, BY_ADMIN) is Category.UNPROCESSABLE
    assert refused({}, {**made, "content": []}, BY_ADMIN) is Category.UNPROCESSABLE


def test_whoever_came_later_may_too() -> None:
    guard = ConfigurationGuard("credence", [], check)
    with pytest.raises(Refusal):
        guard({}, library(DESK), Statement("ehr", "key 1"))
    guard.also(lambda source, principal: principal == "key 1")
    guard({}, library(DESK), Statement("ehr", "key 1"))
