"""Finding the evidence of claims in the world: a conversation's transcript, or a form."""

from __future__ import annotations

from dataclasses import replace

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.judge import Evidence
from fhirserver.search.expression import And, Query, ReferenceIs, TokenIs
from fhirserver.store.store import Store
from fhirserver.world.judge.forms import form_evidence
from fhirserver.world.judge.transcript import InvalidTranscript, Reading, evidence, second_reading
from fhirserver.world.vocabulary import BASE

KIND = f"{BASE}/CodeSystem/document-kind"
TRANSCRIPT = "transcript"
SECOND = "second-reading"
FORM = "QuestionnaireResponse"


def conversation_of(document: JsonObject) -> str:
    """The Communication that a transcript, or a second reading of one, belongs to; empty for any other document."""
    kinds = [c for category in document.get("category", ()) for c in category.get("coding", ())]
    if not any(
        coding.get("system") == KIND and coding.get("code") in (TRANSCRIPT, SECOND) for coding in kinds
    ):
        return ""
    related = document.get("context", {}).get("related", ())
    references = (str(one.get("reference", "")) for one in related)
    return next((text for text in references if text.startswith("Communication/")), "")


async def transcript_of(store: Store, conversation: str) -> Evidence | None:
    """The turns of a conversation, or of a form; None while there is nothing that can be read."""
    type, _, id = conversation.partition("/")
    if type == FORM:
        return await _form(store, id)
    document = await _document(store, TRANSCRIPT, type, id)
    if document is None:
        return None
    try:
        heard = evidence(document)
    except InvalidTranscript:
        return None
    read = await readings_of(store, conversation)
    return replace(
        heard,
        second={one.turn: one.second for one in read or ()},
        awaited=heard.awaited and read is None,
    )


async def readings_of(store: Store, conversation: str) -> tuple[Reading, ...] | None:
    """What a second recogniser heard otherwise in a conversation; None where none has listened."""
    type, _, id = conversation.partition("/")
    document = await _document(store, SECOND, type, id)
    try:
        return second_reading(document) if document is not None else None
    except InvalidTranscript:
        return ()


async def _document(store: Store, kind: str, type: str, id: str) -> JsonObject | None:
    """The document of a kind that belongs to a conversation."""
    where = And((TokenIs("category", KIND, kind), ReferenceIs("related", type, id)))
    page = await store.search(Query("DocumentReference", where, count=1))
    return next((loads(version.content) for version in page.versions), None)


async def _form(store: Store, id: str) -> Evidence | None:
    version = await store.read(FORM, id)
    if version is None or version.deleted:
        return None
    return form_evidence(loads(version.content), f"{FORM}/{id}")
