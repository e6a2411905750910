"""Configuration that is data: agents, scheduling rules, chat services, campaigns, each as a FHIR Library.

So it is versioned, has Provenance, is read by the agent as any client reads it, and needs no store of its own. The
Library (https://hl7.org/fhir/R4/library.html) carries a JSON document as its one attachment; what the document must be
says the room that uses it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads

CANONICAL = "https://credence.health/fhir"
KIND = f"{CANONICAL}/CodeSystem/configuration-kind"
"""The system of :data:`KINDS`, in ``Library.type``."""
_ID = f"{CANONICAL}/sid/configuration"
KINDS = ("agent", "scheduling-rules", "phone-number", "chat-service", "campaign", "form")
STATUSES = ("draft", "active", "retired")
_LIBRARY_TYPE = "http://terminology.hl7.org/CodeSystem/library-type"


class NoConfiguration(ValueError):
    """A Library that is none of these, or cannot be read; the message says what is wrong and no content."""


@dataclass(frozen=True, slots=True)
class Configured:
    """One document. ``id`` is the Library's id, ``version`` the author's word for it (empty: none), ``status`` one of
    :data:`STATUSES`. ``revision`` is ``meta.versionId``, empty for one that is not stored yet. ``url`` is that of what
    it is a draft or a kept version of, empty for what is in force itself.
    """

    kind: str
    id: str
    title: str
    document: JsonObject = field(default_factory=dict)
    status: str = "draft"
    version: str = ""
    description: str = ""
    revision: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise NoConfiguration(f"the kind of a configuration is one of {', '.join(KINDS)}")
        if self.status not in STATUSES:
            raise NoConfiguration(f"the status of a configuration is one of {', '.join(STATUSES)}")

    @property
    def reference(self) -> str:
        return f"Library/{self.id}"


def library(configured: Configured) -> JsonObject:
    """The Library that carries it."""
    data = base64.b64encode(dumps(configured.document)).decode()
    made: JsonObject = {
        "resourceType": "Library",
        "id": configured.id,
        "identifier": [{"system": _ID, "value": configured.id}],
        "name": name_of(configured.id),
        "title": configured.title,
        "status": configured.status,
        "type": {
            "coding": [
                {"system": KIND, "code": configured.kind},
                {"system": _LIBRARY_TYPE, "code": "asset-collection"},
            ]
        },
        "content": [{"contentType": "application/json", "data": data, "title": configured.title}],
    }
    if configured.url:
        made["url"] = configured.url
    if configured.version:
        made["version"] = configured.version
    if configured.description:
        made["description"] = configured.description
    return made


def configured(resource: JsonObject) -> Configured:
    """What a Library carries. Raises :class:`NoConfiguration`."""
    kind = kind_of(resource)
    if not kind:
        raise NoConfiguration("this Library is no configuration of Credence")
    try:
        document = loads(base64.b64decode(resource["content"][0]["data"], validate=True))
    except (KeyError, IndexError, TypeError, binascii.Error, InvalidJson):
        raise NoConfiguration("the Library has no JSON document as its first content") from None
    if not isinstance(document, dict):
        raise NoConfiguration("the document of the Library is no JSON object")
    return Configured(
        kind,
        str(resource.get("id", "")),
        str(resource.get("title", "")),
        document,
        str(resource.get("status", "draft")),
        str(resource.get("version", "")),
        str(resource.get("description", "")),
        str(resource.get("meta", {}).get("versionId", "")),
        str(resource.get("url", "")),
    )


def name_of(id: str) -> str:
    """What a program may call it: a capital letter, then letters and digits."""
    joined = "".join(part.capitalize() for part in id.replace(".", "-").split("-"))
    return joined if joined[:1].isalpha() else f"X{joined}"


def url_of(id: str) -> str:
    """The canonical URL of a configuration, which its drafts and kept versions share."""
    return f"{CANONICAL}/Library/{id}"


def kind_of(resource: JsonObject) -> str:
    """The kind of configuration that a resource carries; empty for any other resource."""
    if resource.get("resourceType") != "Library":
        return ""
    codings = resource.get("type", {}).get("coding", ())
    found = (str(one.get("code", "")) for one in codings if one.get("system") == KIND)
    return next((kind for kind in found if kind in KINDS), "")
