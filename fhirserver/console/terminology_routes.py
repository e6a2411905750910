"""The terminology pages by their addresses."""

from __future__ import annotations

from fhirserver.console.desk import Desk, Endpoint
from fhirserver.console.terminology_desk import TerminologyDesk
from fhirserver.console.terminology_maps import MapPages
from fhirserver.console.terminology_pages import TerminologyPages
from fhirserver.console.terminology_value_sets import ValueSetPages


def terminology_routes(desk: Desk) -> list[tuple[str, str, Endpoint]]:
    """Method, path and handler of each."""
    shared = TerminologyDesk(desk)
    pages, value_sets, maps = TerminologyPages(shared), ValueSetPages(shared), MapPages(shared)
    about = {
        "/system": pages.system,
        "/system/level": pages.level,
        "/system/found": pages.found,
        "/system/concept": pages.concept,
        "/value-set": value_sets.value_set,
        "/value-set/expansion": value_sets.expansion,
        "/value-set/why": value_sets.why,
        "/map": maps.map,
    }
    return [
        ("GET", "/terminology", desk.signed_in(pages.everything)),
        ("GET", "/terminology/list", desk.signed_in(pages.listed)),
        *(("GET", f"/terminology{path}", desk.signed_in(shared.about(page))) for path, page in about.items()),
    ]
