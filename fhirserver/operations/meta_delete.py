"""``$meta-delete``: https://hl7.org/fhir/R4/resource-operation-meta-delete.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import JsonObject
from fhirserver.operations.meta_add import Labels, given_labels, identity, relabel


async def meta_delete(context: Context, request: Request) -> Result:
    """Take labels off a resource; answers with its meta. A label that is not there is no error."""
    labels = given_labels(request)
    return await relabel(context, request, lambda meta: without_labels(meta, labels), labels, False)


def without_labels(meta: JsonObject, labels: Labels) -> JsonObject:
    """A meta with labels taken off."""
    changed = dict(meta)
    for name, unwanted in labels.items():
        gone = {identity(label) for label in unwanted}
        changed[name] = [label for label in meta.get(name, ()) if identity(label) not in gone]
    return changed
