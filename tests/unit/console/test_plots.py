"""Where the lines of a plot are, and what is said of them."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from fhirserver.console.plots import BOTTOM, LEFT, RIGHT, TOP, plot

DAYS = [f"2026-11-{day:02d}" for day in range(1, 11)]


def test_a_day_without_a_measure_is_a_gap() -> None:
    made = plot("p", "Wait", DAYS[:5], {"reply": [1.0, 2.0, None, 4.0, 5.0]}, "s")
    (line,) = made.series
    assert line.path.count("M") == 2 and line.path.count("L") == 2 and line.points[2] is None
    assert made.rows() == [(DAYS[0], ["1"]), (DAYS[1], ["2"]), (DAYS[3], ["4"]), (DAYS[4], ["5"])]
    assert made.description == "Wait: reply, from 1 to 5 s, at last 5 s."


def test_what_was_never_measured_is_said_to_be_so() -> None:
    made = plot("p", "Wait", DAYS, {"reply": [None] * 10})
    assert made.empty and not made.rows() and made.description == "Wait: reply, nothing measured."


@given(
    st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=10),
    st.sampled_from([None, (-1.0, 1.0), (0.0, 100.0)]),
)
@example([5e-324], None)
def test_every_point_lies_within_the_axes(
    values: list[float | None], between: tuple[float, float] | None
) -> None:
    made = plot("p", "x", DAYS[: len(values)], {"a": values}, between=between)
    for point in made.series[0].points:
        assert point is None or (LEFT <= point.x <= RIGHT and TOP - 0.01 <= point.y <= BOTTOM + 0.01)
    if between is None and (known := [value for value in values if value]):
        assert float(made.ticks[-1][0]) >= max(known) * 0.99
