import pytest

from adapters.simulator.faults import FaultPlan, Faults, InvalidFaults


def test_without_faults_nothing_happens():
    plan = FaultPlan(Faults())
    assert {plan.draw() for _ in range(200)} == {plan.draw()}
    assert plan.draw().error == 0 and not plan.draw().cut


def test_rates_are_about_kept():
    plan = FaultPlan(Faults(error_rate=0.3, cut_rate=0.1, throttle_rate=0.05, conflict_rate=0.2))
    fates = [plan.draw() for _ in range(5000)]
    assert 0.27 < sum(fate.error > 0 for fate in fates) / 5000 < 0.33
    assert 0.08 < sum(fate.cut for fate in fates) / 5000 < 0.12
    assert 0.035 < sum(fate.throttled for fate in fates) / 5000 < 0.065
    assert {fate.error for fate in fates} == {0, 500, 502, 503}
    assert {fate.conflict for fate in fates} == {0, 409}


def test_one_seed_gives_one_course():
    faults = Faults(error_rate=0.5, cut_rate=0.5, jitter=1.0, seed=7)
    first, second = FaultPlan(faults), FaultPlan(faults)
    assert [first.draw() for _ in range(50)] == [second.draw() for _ in range(50)]


def test_change_sets_what_it_names_and_keeps_the_rest():
    plan = FaultPlan(Faults(latency=0.2))
    plan.change({"error_rate": 0.5, "down": 30})
    assert plan.faults == Faults(latency=0.2, error_rate=0.5)
    assert plan.is_down()
    plan.change({"reset": True})
    assert plan.faults == Faults() and not plan.is_down()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"error_rate": 1.5}, "error_rate"),
        ({"latency": -1}, "latency"),
        ({"cut_rate": "often"}, "cut_rate"),
        ({"cut_rate": True}, "cut_rate"),
        ({"gremlins": 1}, "gremlins"),
        ({"down": "soon"}, "down"),
    ],
)
def test_wrong_settings_are_named_and_change_nothing(settings, named):
    plan = FaultPlan(Faults(latency=0.2))
    with pytest.raises(InvalidFaults, match=named):
        plan.change({"error_rate": 0.1, **settings})
    assert plan.faults == Faults(latency=0.2)
