"""What translates the codes of a connector's records by ConceptMaps that are stored here."""

from __future__ import annotations

from adapters.runner.code_maps import Coder
from fhirserver.app.connectors.connector import Connector
from fhirserver.interactions.exchange import Context


def make_coder(connector: Connector, context: Context) -> Coder | None:
    """None for a connector whose codes stay as they are. HL7v2 names code systems by OIDs, FHIR by their urls."""
    is_v2 = connector.kind == "hl7v2"
    if context.concept_maps is None or not (connector.code_maps or is_v2):
        return None
    named = context.naming.url if is_v2 and context.naming is not None else None
    return Coder(connector.code_maps, context.concept_maps, context.conformance.catch_up, named)
