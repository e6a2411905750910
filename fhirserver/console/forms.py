"""The forms that a patient was asked to fill in, as the patient's page lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.search.expression import And, Query, ReferenceIs, SortKey, TokenIs
from fhirserver.store.store import Store
from fhirserver.world.vocabulary import TASK_CODE

_OPEN = {"ready": "made, not sent", "requested": "sent", "in-progress": "being filled in"}
_MOST = 20


@dataclass(frozen=True, slots=True)
class FormListed:
    """One form: what it asks for, how far it is in words, and until when its link is good."""

    id: str
    asks: str
    state: str
    purpose: str
    made: str
    until: str


async def open_forms(store: Store, patient: str, now: str) -> Sequence[FormListed]:
    """The forms of a patient (by id) that can still be filled in at ``now``, the newest first."""
    about = And((ReferenceIs("patient", "Patient", patient), TokenIs("code", TASK_CODE, "form")))
    page = await store.search(Query("Task", about, (SortKey("", "updated", descending=True),), count=_MOST))
    found = [_listed(loads(version.content)) for version in page.versions]
    return [one for one in found if one is not None and one.until > now]


def _listed(task: JsonObject) -> FormListed | None:
    state = _OPEN.get(str(task.get("status", "")))
    if state is None:
        return None
    asks = [
        one.get("valueString", "") for one in task.get("input", ()) if one["type"].get("text") == "subject"
    ]
    return FormListed(
        str(task["id"]),
        ", ".join(str(one).replace("-", " ") for one in asks),
        state,
        str(task.get("reasonCode", {}).get("text", "")).replace("-", " "),
        str(task.get("authoredOn", "")),
        str(task.get("restriction", {}).get("period", {}).get("end", "")),
    )
