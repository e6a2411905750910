"""What users send along: a Binary, and the DocumentReference that says what it is.

Their ids are made of the conversation and the content, so that what is sent twice is kept once.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from agent.call import Call
from agent.cards.pictures import BadPicture, picture
from agent.requests import MENTIONED, Basis
from agent.tools.client import FhirClient, Unreachable
from agent.tools.provenance import header, provenance
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.chats import Attachment


def check(attachment: Attachment) -> None:
    """Refuses (415) a content that is not of the type that it is said to be, (422) one that is empty, damaged, too
    small, or has more pixels than anything should decode."""
    try:
        found = picture(attachment.content, most_bytes=len(attachment.content))
    except BadPicture as bad:
        if bad.code != "kind":
            raise refuse(Category.UNPROCESSABLE, "invalid", str(bad)) from None
        found = None
    if found is None or found.content_type != attachment.content_type:
        text = f"The content is not {attachment.content_type}"
        raise refuse(Category.UNSUPPORTED_MEDIA, "not-supported", text, "content-type")


@dataclass(frozen=True)
class Filing:
    """Keeps the attachments of one conversation, under names made of ``name`` (empty: of the call's own id)."""

    client: FhirClient
    call: Call
    name: str = ""

    async def keep(self, attachment: Attachment) -> str:
        """The reference of the DocumentReference. Refuses (503) where it could not be kept."""
        digest = hashlib.sha256(attachment.content).hexdigest()
        name = f"{self.name or self.call.id}-{digest[:16]}"
        patient = self.call.memory.patient.reference if self.call.memory.patient else ""
        stored = await self._stored(attachment, name, patient)
        document = self._document(attachment, name, patient) | {
            "content": [{"attachment": self._attachment(attachment) | stored}]
        }
        if not await self._put(document, patient):
            raise refuse(Category.BUSY, "transient", "The attachment could not be kept; send it again")
        return f"DocumentReference/{name}"

    async def _stored(self, attachment: Attachment, name: str, patient: str) -> JsonObject:
        """Where its content is: a Binary, or, where the agent may write none, in the document itself."""
        data = base64.b64encode(attachment.content).decode()
        owner = {"securityContext": {"reference": patient}} if patient else {}
        binary: JsonObject = {
            "resourceType": "Binary",
            "id": name,
            "contentType": attachment.content_type,
            **owner,
            "data": data,
        }
        kept = await self._put(binary, patient)
        return {"url": f"Binary/{name}"} if kept else {"data": data}

    def _document(self, attachment: Attachment, name: str, patient: str) -> JsonObject:
        now = self.call.clock.now()
        document: JsonObject = {
            "resourceType": "DocumentReference",
            "id": name,
            "status": "current",
            "type": {"text": "Sent by the patient in a chat"},
            "date": instant(now),
            "description": attachment.title or "Attachment",
        }
        if self.call.keeper.communication:
            document["context"] = {"related": [{"reference": self.call.keeper.communication}]}
        if patient:
            document["subject"] = {"reference": patient}
        return document

    @staticmethod
    def _attachment(attachment: Attachment) -> JsonObject:
        sha1 = base64.b64encode(hashlib.sha1(attachment.content, usedforsecurity=False).digest()).decode()
        told: JsonObject = {
            "contentType": attachment.content_type,
            "size": len(attachment.content),
            "hash": sha1,
        }
        return told | ({"title": attachment.title} if attachment.title else {})

    async def _put(self, resource: JsonObject, patient: str) -> bool:
        memory = self.call.memory
        basis = Basis(MENTIONED, "observed", (), memory.third_party, proxy=memory.setting.proxy)
        said = provenance(
            self.call.tools.speaker, basis, self.call.keeper.communication, patient, self.call.clock.now()
        )
        path = f"{resource['resourceType']}/{resource['id']}"
        try:
            return (await self.client.send("PUT", path, resource, header(said))).ok
        except Unreachable:
            return False
