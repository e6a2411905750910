"""A rule set in plain sentences: everything it says is in them."""

from __future__ import annotations

from fhirserver.world.configured.parts import read
from fhirserver.world.configured.rule_words import sentences
from fhirserver.world.configured.scheduling_rules import RULES, SchedulingRules

DOCUMENT = {
    "lead": 1440,
    "rolling_days": [{"days": 90}],
    "open_hours": {
        "weekly": [{"days": ["mon", "tue", "wed"], "from": "09:00", "to": "17:00"}, {"days": ["sat", "mon"]}],
        "exceptions": [{"name": "Feast", "date": "2026-12-24", "until": "2026-12-26"}],
    },
    "concurrent_start_block": [{"most": 1, "per": "practitioner"}],
    "block_overlap": [{"by": ["patient"], "buffer_minutes": 10}],
    "session_grid": [{"days": ["mon"], "from": "08:00", "to": "12:00", "minutes": 20}],
    "release": [{"hours_before": 48, "practitioners": ["Practitioner/lane"]}],
    "patient_limit": [{"most": 2, "within_days": 30}],
    "durations": [{"service": "new", "minutes": 45}],
    "patient_kinds": [{"patients": "new", "days": ["wed"]}],
}


def test_each_part_of_each_rule_is_told() -> None:
    told = sentences(read(SchedulingRules, DOCUMENT))
    assert tuple(dict.fromkeys(one.rule for one in told)) == RULES
    assert [one.text for one in told] == [
        "Nothing that begins in less than 1 day.",
        "Nothing later than 90 days from today, today included.",
        "Open Mon to Wed, 09:00 to 17:00.",
        "Open Mon, Sat, all day.",
        "Feast (2026-12-24 to 2026-12-26): closed.",
        "At most 1 visit for a practitioner begins at the same time.",
        "No two visits at once of the same patient, with 10 minutes between.",
        "Mon, 08:00 to 12:00: visits begin every 20 minutes from 08:00.",
        "Held back until 48 hours before: every day, all day (Practitioner/lane).",
        "A patient has at most 2 visits within 30 days.",
        "A visit of the kind new takes 45 minutes.",
        "For new patients only: Wed, all day.",
    ]


def test_nothing_said_is_the_lead() -> None:
    assert [one.rule for one in sentences(SchedulingRules())] == ["lead", "rolling_days"]
    assert sentences(SchedulingRules(lead=90))[0].text == "Nothing that begins in less than 90 minutes."
