"""ConceptMaps of the server that stand for a site's maps of codes."""

from __future__ import annotations

import pytest

from adapters.hl7v2.convert.codes import vocabulary
from adapters.hl7v2.convert.site_file import SiteError, read_site
from adapters.hl7v2.ingest.site_codes import SiteCodes
from terminology.concept_maps.translator import Translator
from tests.unit.terminology.concept_maps.shelves import Shelf, concept_map, element, group

MAP = "https://a.example/ConceptMap/sex"
GENDER = "http://hl7.org/fhir/administrative-gender"
SITE = f"""
[codes]
AdministrativeSex = "{MAP}"

[[sender]]
application = "LAB*"

[sender.codes.AdministrativeSex]
X = "other"
"""


def test_the_codes_are_those_stored_now() -> None:
    shelf = Shelf()
    maps = Translator(shelf)
    codes, site = SiteCodes(maps), read_site(SITE)
    assert codes.resolved(site)[1] == (MAP,), "it is not here"
    shelf.put(
        concept_map(MAP, group("", GENDER, element("W", "female"), element("X", ("unknown", "relatedto"))))
    )
    maps.forget()
    made, missing = codes.resolved(site)
    assert missing == () and codes.resolved(site)[0] is made, "one as long as nothing changes"
    known = vocabulary("AdministrativeSex", made)
    assert known is not None
    assert [getattr(known.find(code), "code", None) for code in "WXF"] == ["female", "unknown", "female"]
    lab = vocabulary("AdministrativeSex", made.for_sender("LAB1", ""))
    assert lab is not None
    assert [getattr(lab.find(code), "code", None) for code in "WX"] == ["female", "other"], (
        "its own come first"
    )
    maps.forget()
    assert codes.resolved(site)[0] is made, "another map has changed"


def test_a_site_without_any_is_itself() -> None:
    site = read_site("[codes.AdministrativeSex]\nX = 'other'\n")
    assert SiteCodes(Translator()).resolved(site) == (site, ())


def test_what_is_no_map_is_refused() -> None:
    with pytest.raises(SiteError, match="line 2"):
        read_site('[codes]\nAdministrativeSex = "sex"\n')
