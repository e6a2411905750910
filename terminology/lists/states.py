"""States of the USA, ``https://www.usps.com/``. https://pe.usps.com/text/pub28/28apb.htm"""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from terminology.lists.code_list import code_list, concept

URL = "https://www.usps.com/"


def states() -> JsonObject:
    """States, territories and the military addresses, as US Core's value set of them is drawn from it."""
    return code_list(
        URL,
        "USPSStates",
        "Two-letter state and possession abbreviations (USPS)",
        (concept(line[:2], line[3:]) for line in _STATES.strip().splitlines()),
        publisher="United States Postal Service",
        valueSet="http://hl7.org/fhir/us/core/ValueSet/us-core-usps-state",
    )


_STATES = """
AK Alaska
AL Alabama
AR Arkansas
AS American Samoa
AZ Arizona
CA California
CO Colorado
CT Connecticut
DC District of Columbia
DE Delaware
FL Florida
FM Federated States of Micronesia
GA Georgia
GU Guam
HI Hawaii
IA Iowa
ID Idaho
IL Illinois
IN Indiana
KS Kansas
KY Kentucky
LA Louisiana
MA Massachusetts
MD Maryland
ME Maine
MH Marshall Islands
MI Michigan
MN Minnesota
MO Missouri
MP Northern Mariana Islands
MS Mississippi
MT Montana
NC North Carolina
ND North Dakota
NE Nebraska
NH New Hampshire
NJ New Jersey
NM New Mexico
NV Nevada
NY New York
OH Ohio
OK Oklahoma
OR Oregon
PA Pennsylvania
PR Puerto Rico
PW Palau
RI Rhode Island
SC South Carolina
SD South Dakota
TN Tennessee
TX Texas
UT Utah
VA Virginia
VI Virgin Islands
VT Vermont
WA Washington
WI Wisconsin
WV West Virginia
WY Wyoming
AA Armed Forces Americas (except Canada)
AE Armed Forces Africa, Armed Forces Canada, Armed Forces Europe, Armed Forces Middle East
AP Armed Forces Pacific
"""
