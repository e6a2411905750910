"""Which entry of a Bundle a reference means. https://hl7.org/fhir/R4/bundle.html#references"""

from __future__ import annotations

from collections import defaultdict

from fhirserver.kernel.json import Json, JsonObject


class BundleIndex:
    """The resources of a Bundle by fullUrl and by ``Type/id``."""

    def __init__(self, bundle: JsonObject):
        self.by_url: dict[str, list[JsonObject]] = defaultdict(list)
        self.by_name: dict[str, list[JsonObject]] = defaultdict(list)
        self.type = str(bundle.get("type", ""))
        entries = bundle.get("entry")
        for entry in entries if isinstance(entries, list) else ():
            self._add(entry)

    def _add(self, entry: Json) -> None:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            return
        if isinstance(url := entry.get("fullUrl"), str):
            self.by_url[url].append(resource)
        self.by_name[f"{resource.get('resourceType')}/{resource.get('id')}"].append(resource)

    def find(self, text: str) -> JsonObject | None:
        """The resource that a reference means, None where none or more than one may be meant."""
        bare = text.partition("/_history/")[0]
        found = self.by_url.get(text) or self.by_url.get(bare) or self.by_name.get(bare) or []
        return found[0] if len(found) == 1 else None
