import pytest

from adapters.simulator.keys import date_range, digits, keys


@pytest.mark.parametrize(
    ("text", "low", "after"),
    [
        ("2026", "2026-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z"),
        ("2026-12", "2026-12-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z"),
        ("2024-02", "2024-02-01T00:00:00.000000Z", "2024-03-01T00:00:00.000000Z"),
        ("2026-11-22", "2026-11-22T00:00:00.000000Z", "2026-11-23T00:00:00.000000Z"),
        ("2026-11-22T14:30", "2026-11-22T14:30:00.000000Z", "2026-11-22T14:31:00.000000Z"),
        ("2026-11-22T14:30:00-05:00", "2026-11-22T19:30:00.000000Z", "2026-11-22T19:30:01.000000Z"),
        ("2026-11-22T14:30:00.123Z", "2026-11-22T14:30:00.123000Z", "2026-11-22T14:30:00.124000Z"),
    ],
)
def test_a_date_covers_what_its_precision_says(text, low, after):
    assert date_range(text) == (low, after)


@pytest.mark.parametrize("text", ["", "soon", "2026-13", "2026-1-1", "2026-11-22T", "2026-11-22T25:00:00Z"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError):
        date_range(text)


def test_phones_are_compared_by_their_national_digits():
    assert digits("+1 (555) 969-7967") == digits("555-969-7967") == "5559697967"


def test_an_appointment_is_found_by_everything_it_names():
    found = set(
        keys(
            {
                "resourceType": "Appointment",
                "status": "booked",
                "start": "2026-11-26T14:30:00-05:00",
                "identifier": [{"system": "urn:s", "value": "7"}],
                "slot": [{"reference": "Slot/e1"}],
                "participant": [{"actor": {"reference": "Patient/e2"}}, {"status": "accepted"}],
            }
        )
    )
    assert {
        ("status", "booked"),
        ("date", "2026-11-26T19:30:00.000000Z"),
        ("identifier", "urn:s|7"),
        ("slot", "Slot/e1"),
        ("patient", "Patient/e2"),
        ("patient", "e2"),
    } <= found
