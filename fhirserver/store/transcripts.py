"""Finding the evidence of claims in the world: a conversation's transcript, or a form."""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.judge import Evidence
from fhirserver.search.expression import And, Query, ReferenceIs, TokenIs
from fhirserver.store.store import Store
from fhirserver.world.judge.forms import form_evidence
from fhirserver.world.judge.transcript import InvalidTranscript, evidence
from fhirserver.world.vocabulary import BASE

KIND = f"{BASE}/CodeSystem/document-kind"
TRANSCRIPT = "transcript"
FORM = "QuestionnaireResponse"


def conversation_of(document: JsonObject) -> str:
    """The Communication that a transcript DocumentReference belongs to; empty for any other document."""
    kinds = [c for category in document.get("category", ()) for c in category.get("coding", ())]
    if not any(coding.get("system") == KIND and coding.get("code") == TRANSCRIPT for coding in kinds):
        return ""
    related = document.get("context", {}).get("related", ())
    references = (str(one.get("reference", "")) for one in related)
    return next((text for text in references if text.startswith("Communication/")), "")


async def transcript_of(store: Store, conversation: str) -> Evidence | None:
    """The turns of a conversation, or of a form; None while there is nothing that can be read."""
    type, _, id = conversation.partition("/")
    if type == FORM:
        return await _form(store, id)
    where = And((TokenIs("category", KIND, TRANSCRIPT), ReferenceIs("related", type, id)))
    page = await store.search(Query("DocumentReference", where, count=1))
    for version in page.versions:
        try:
            return evidence(loads(version.content))
        except InvalidTranscript:
            return None
    return None


async def _form(store: Store, id: str) -> Evidence | None:
    version = await store.read(FORM, id)
    if version is None or version.deleted:
        return None
    return form_evidence(loads(version.content), f"{FORM}/{id}")
