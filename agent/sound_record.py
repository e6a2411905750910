"""The recording of a call in FHIR: a Media (https://hl7.org/fhir/R4/media.html) that says where the sound is."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import RECORDING


def recording_media(
    call: str, patient: str, began: datetime, seconds: float, size: int, sha1: bytes, url: str
) -> JsonObject:
    """``call`` is a Communication's reference, ``began`` when the sound began: turns are placed by it."""
    media: JsonObject = {
        "resourceType": "Media",
        "identifier": [{"system": RECORDING, "value": call.partition("/")[2]}],
        "partOf": [{"reference": call}],
        "status": "completed",
        "type": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/media-type",
                    "code": "audio",
                    "display": "Audio",
                }
            ]
        },
        "createdPeriod": {"start": instant(began), "end": instant(began + timedelta(seconds=seconds))},
        "duration": round(seconds, 1),
        "content": {
            "contentType": "audio/wav",
            "url": url,
            "size": size,
            "hash": base64.b64encode(sha1).decode(),
            "title": "Recording of the call: caller left, agent right",
        },
    }
    if patient:
        media["subject"] = {"reference": patient}
    return media
