"""The policy file: which rule counts, and every mistake named with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.emotion.timeline import timeline
from agent.signals import Emotion
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.world.policy import Decay, InvalidPolicy, default_policy, parse_policy, units_of
from fhirserver.world.policy_change import affected
from fhirserver.world.rules import codes_of
from fhirserver.world.units import member_of, split

POLICY = """
[[rule]]
writeback = 0.9
review = "always"
ceiling = { agent = 0.5, form = 0.4 }

[[rule]]
type = "Patient"
verification = "machine"
decay = { half_life_days = 100, floor = 0.2 }

[[rule]]
unit = "telecom"
writeback = 0.8

[[rule]]
type = "Patient"
unit = "telecom"
ceiling = { agent = 0.3 }
decay = false
"""


def test_of_each_member_the_most_specific_rule_that_states_it_counts() -> None:
    policy = parse_policy(POLICY)
    phone = policy.rule("Patient", "telecom[phone|+15551234567]")
    assert (phone.verification, phone.review, phone.decay) == ("machine", "always", None)
    assert phone.writeback == Decimal("0.8"), "the rule for the unit of any type comes before that for all"
    assert phone.ceiling == {"agent": Decimal("0.3"), "form": Decimal("0.4")}
    assert policy.rule("Patient", "gender").decay == Decay(half_life=100, floor=Decimal("0.2"))
    assert policy.rule("Practitioner", "telecom").verification == "human", "what holds without a rule"
    limits = policy.limits("Patient", "agent")
    assert limits is not None
    assert (limits.whole, limits.of("telecom[x|y]"), limits.least) == (
        Decimal("0.5"),
        Decimal("0.3"),
        Decimal("0.3"),
    )
    assert policy.limits("Patient", "ehr") is None


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (
            'type = "Patent"',
            "line 3, rule 1: type 'Patent' is no resource type of R4 (did you mean 'Patient'?)",
        ),
        ('type = "Patient"\nunit = "telcom"', "line 4, rule 1: unit 'telcom' is no element of Patient"),
        (
            'type = "Patient"\nunit = "deceased"',
            "line 4, rule 1: unit 'deceased' is no element of Patient (write",
        ),
        ('type = "Patient"\nunit = "deceasedBoolean"', "(write 'deceased[x]')"),
        ('type = "Patient"\nunit = "id"', "unit 'id' is no element"),
        ('unit = "nowhere"', "line 3, rule 1: unit 'nowhere' is no element of any type"),
        ("writeback = 1.5", "line 3, rule 1: writeback is a number from 0 to 1"),
        ("writeback = true", "writeback is a number"),
        ("writeback = nan", "writeback is a number"),
        ('review = "sometimes"', "line 3, rule 1: review is one of never, doubtful, always"),
        ("verification = 3", "verification is one of none, machine, human"),
        ("writback = 1", "unknown member 'writback' (did you mean 'writeback'?)"),
        ("ceiling = 0.5", "ceiling is a table of kinds"),
        ("ceiling = { bot = 0.5 }", "ceiling: 'bot' is no kind of source"),
        ("ceiling.agent = 0.0", "line 3, rule 1: ceiling.agent is a number from 0.01 to 1"),
        ("decay = { half_life_days = 0 }", "decay.half_life_days is a whole number of days"),
        ("decay = { floor = 0.5 }", "either steps or half_life_days"),
        ("decay = { steps = [] }", "decay.steps is a list such as"),
        ("decay = { steps = [{ days = 9, to = 0.5 }, { days = 9, to = 0.3 }] }", "after more days"),
        ("decay = { steps = [{ days = 9, to = 0.5 }], floor = 0.1 }", "no member 'floor' here"),
        ("decay = { half_life_days = 9, kinds = ['robot'] }", "decay.kinds: 'robot' is no kind"),
        ("[[rule]]", "line 3, rule 2: rule 1 is for * too"),
        ('code = "s|c"', "line 3, rule 1: code needs a type that has a code"),
        ('type = "Patient"\ncode = "s|c"', "line 4, rule 1: Patient has no code that a rule could name"),
        ('type = "Encounter"\ncode = "s|c"', "Encounter has no code that a rule could name"),
        ('type = "Observation"\ncode = "c"', 'line 4, rule 1: code is written "system|code"'),
        ('type = "Observation"\ncode = "|c"', 'code is written "system|code"'),
        ('type = "Observation"\ncode = 3', 'code is written "system|code"'),
        (
            'type = "Observation"\ncode = "s|c"\nceiling = { agent = 0.5 }',
            "line 5, rule 1: a rule with a code has no ceiling",
        ),
        (
            'type = "Observation"\ncode = "s|c"\ndecay = false',
            "line 5, rule 1: a rule with a code has no decay",
        ),
        (
            'type = "Observation"\ncode = "s|c"\n[[rule]]\ntype = "Observation"\ncode = "s|c"',
            "line 5, rule 2: rule 1 is for Observation (code s|c) too",
        ),
        ("[rules]", "unknown table 'rules'; the only one is [[rule]]"),
        ("x =", "not TOML"),
    ],
)
def test_mistakes_are_named_with_their_place(rule: str, problem: str) -> None:
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy(f"\n[[rule]]\n{rule}\n")
    assert problem in str(caught.value)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy('[[rule]]\ntype = "X"\n# a remark\n\n[[rule]]\nwriteback = 2\nreview = "no"\n')
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "line 2, rule 1",
        "line 6, rule 2",
        "line 7, rule 2",
    ]


CODED = """
[[rule]]
writeback = 0.9
review = "always"

[[rule]]
type = "Observation"
unit = "status"
review = "doubtful"
verification = "machine"

[[rule]]
type = "Observation"
code = "s|mood"
review = "never"
writeback = 1.0

[[rule]]
type = "Observation"
unit = "note"
code = "s|mood"
review = "doubtful"

[[rule]]
type = "Observation"
code = "s|other"
review = "always"
verification = "none"
"""


def test_a_rule_for_a_code_holds_for_resources_of_that_code_and_no_others() -> None:
    policy = parse_policy(CODED)
    mood = codes_of({"code": {"coding": [{"system": "x", "code": "y"}, {"system": "s", "code": "mood"}]}})
    told = policy.rule("Observation", "status", mood)
    assert (told.review, told.writeback, told.verification) == ("never", 1, "machine")
    assert policy.rule("Observation", "note", mood).review == "doubtful", "code and unit come before the code"
    assert policy.gate("Observation", "value[x]", mood) == 1
    for other in (frozenset[str](), codes_of({"code": {"coding": [{"system": "s", "code": "moods"}]}})):
        assert policy.rule("Observation", "status", other).review == "doubtful"
        assert policy.rule("Observation", "note", other).review == "always"
    assert policy.rule("Condition", "note", mood).review == "always"
    both = policy.rule("Observation", "subject", mood | {"s|other"})
    assert (both.review, both.verification) == ("never", "none"), "of two codes the rule that stands first"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"code": "draft"},
        {"code": {"text": "mood"}},
        {"code": {"coding": None}},
        {"code": {"coding": [None]}},
        {"code": {"coding": [{"code": "mood"}, {"system": "s"}]}},
    ],
)
def test_what_has_no_coding_with_a_system_has_no_code(content: JsonObject) -> None:
    assert codes_of(content) == frozenset()


@given(st.sets(st.sampled_from(["s|mood", "s|other", "x|y"])), st.sampled_from(["*", "telecom", "gender"]))
def test_without_rules_for_codes_no_code_changes_anything(codes: set[str], unit: str) -> None:
    policy = parse_policy(POLICY)
    assert policy.rule("Patient", unit, frozenset(codes)) is policy.rule("Patient", unit)
    assert [*policy.applying("Patient", unit, frozenset(codes))] == [*policy.applying("Patient", unit)]


def test_a_rule_for_a_code_changes_its_type() -> None:
    before, after = parse_policy(""), parse_policy(CODED[CODED.index("[[rule]]", 60) :])
    assert affected(before, after) == ["Observation"]
    assert affected(after, after) == []


def test_how_a_caller_sounded_waits_for_no_operator_and_goes_nowhere() -> None:
    now = datetime(2026, 11, 28, 9, tzinfo=UTC)
    felt = [Emotion(now, "calm", "functional", 0.27, 0.0, 0.0)]
    mood = timeline(felt, "Communication/c", "Patient/p", "", {"display": "agent"})
    assert mood is not None
    rule = default_policy().rule("Observation", "component", codes_of(mood))
    assert (rule.verification, rule.review, rule.writeback) == ("none", "never", 1)
    other = default_policy().rule(
        "Observation", "component", codes_of({"code": {"coding": [{"system": "s"}]}})
    )
    assert (other.verification, other.review, other.writeback) == ("human", "always", Decimal("0.95"))


def test_every_unit_of_every_type_may_have_a_rule() -> None:
    types = sorted(definitions().resource_types)
    assert len(types) == 146, "all of R4 but the two abstract ones"
    rules = [f'[[rule]]\ntype = "{type}"\nunit = "{unit}"' for type in types for unit in units_of(type)]
    assert len(parse_policy("\n".join(rules)).entries) == len(rules)


def test_the_units_of_a_resource_are_those_that_rules_name() -> None:
    content = {"deceasedBoolean": True, "_birthDate": {"id": "x"}, "telecom": [{"system": "phone"}]}
    assert {member_of(unit) for unit in split("Patient", content)} <= units_of("Patient")


def test_what_is_shipped() -> None:
    policy = default_policy()
    assert policy.gate("Patient", "birthDate") == policy.gate("Coverage", "payor") == Decimal("0.95")
    assert policy.gate("Appointment", "start") == policy.gate("Slot", "status") == Decimal("0.7")
    assert policy.limits("Observation", "agent") is not None and policy.limits("Observation", "ehr") is None
    assert policy.decay("Coverage", "subscriberId", "form") and not policy.decay("Coverage", "payor", "ehr")
    assert not policy.decaying("Observation", "agent")


confidences = st.integers(1, 100).map(lambda n: Decimal(n) / 100)
decays = st.one_of(
    st.builds(Decay, half_life=st.integers(1, 400), floor=confidences),
    st.just(Decay(steps=((30, Decimal("0.7")), (90, Decimal("0.3"))))),
)


@given(decays, confidences, st.lists(st.floats(0, 40_000), min_size=2, max_size=4))
def test_age_only_takes_away(decay: Decay, sure: Decimal, days: list[float]) -> None:
    left = [decay.after(sure, age) for age in sorted(days)]
    assert left == sorted(left, reverse=True) and all(0 < worth <= sure for worth in left)
    assert decay.after(sure, 0) == sure


@pytest.mark.parametrize(
    "type",
    ["Communication", "DocumentReference", "Composition", "MeasureReport", "Media", "AuditEvent", "Task"],
)
def test_records_of_a_call_itself_wait_for_no_operator(type: str) -> None:
    rule = default_policy().rule(type, "status")
    assert (rule.verification, rule.review) == ("none", "never")
