"""What all of the server's definitions have in common. https://hl7.org/fhir/R4/metadatatypes.html"""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import BASE

VERSION = "0.1.0"
"""The business version of the definitions; raised when what they say changes."""


def frame(type: str, id: str, name: str, title: str, description: str) -> JsonObject:
    """A definition's beginning; its canonical URL is ``BASE/type/id``."""
    return {
        "resourceType": type,
        "id": id,
        "url": f"{BASE}/{type}/{id}",
        "version": VERSION,
        "name": name,
        "title": title,
        "status": "active",
        "experimental": False,
        "publisher": "Credence",
        "description": description,
    }


def computer_name(id: str) -> str:
    """``task-code`` as ``TaskCode``, for ``name``."""
    return "".join(part.capitalize() for part in id.split("-"))
