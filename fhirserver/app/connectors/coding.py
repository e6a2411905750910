"""What translates the codes of a connector's records by ConceptMaps that are stored here."""

from __future__ import annotations

from adapters.runner.code_maps import Coder
from fhirserver.app.connectors.connector import Connector
from fhirserver.interactions.exchange import Context


def make_coder(connector: Connector, context: Context) -> Coder | None:
    """None for a connector whose codes stay as they are."""
    if not connector.code_maps or context.concept_maps is None:
        return None
    return Coder(connector.code_maps, context.concept_maps, context.conformance.catch_up)
