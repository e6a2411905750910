"""``near``: https://hl7.org/fhir/R4/location.html#positional"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.search.expression import Near
from fhirserver.search.sphere import DEFAULT_DISTANCE, box, distance, near

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


def test_known_distances() -> None:
    assert distance(0, 0, 0, 180) == pytest.approx(20_015_114, rel=1e-6)
    assert distance(52.52, 13.405, 48.8566, 2.3522) == pytest.approx(877_460, rel=1e-3)
    assert distance(0, 179.9, 0, -179.9) == pytest.approx(22_239, rel=1e-3)


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("1|2", DEFAULT_DISTANCE),
        ("1|2|", DEFAULT_DISTANCE),
        ("1|2|11.20|km", 11_200),
        ("1|2|11.2", 11_200),
        ("1|2|5|m", 5),
        ("1|2|1|[mi_us]", 1609.3472),
        ("1|2|1|[mi_i]", 1609.344),
    ],
)
def test_distances_as_written(text: str, metres: float) -> None:
    asked = near("near", text)
    assert (asked.latitude, asked.longitude) == (1, 2)
    assert asked.metres == pytest.approx(metres, abs=1e-3)


@pytest.mark.parametrize(
    "text", ["", "1", "x|y", "91|0", "0|181", "1|2|3|kg", "1|2|-3", "1|2||km", "1|2|3|km|4", "1|2|1e999"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        near("near", text)


@given(latitudes, longitudes, latitudes, longitudes, st.floats(0, 2e7))
def test_what_is_near_is_in_the_box(a: float, b: float, c: float, d: float, metres: float) -> None:
    south, north, west, east = box(Near("near", a, b, metres))
    if distance(a, b, c, d) <= metres:
        assert south <= c <= north
        assert west <= d <= east
