"""Turn-taking in tables of time: one sign is 100 ms."""

import pytest
from played import UNSHIELDED, play, shown

from agent.turns.events import SilenceDue, TurnEnded, TurnStarted
from agent.turns.floor import Floor
from agent.turns.rules import Rules


def test_a_turn_ends_by_silence() -> None:
    events = play(caller="...==========.......")
    assert shown(events) == "TurnStarted 0.40, TurnEnded 1.90 silence"
    assert events[0] == TurnStarted(pytest.approx(0.4), pytest.approx(0.3))
    assert events[1] == TurnEnded(pytest.approx(1.9), pytest.approx(0.3), pytest.approx(1.3), "silence")


def test_a_pause_within_a_turn_does_not_end_it() -> None:
    assert shown(play(caller="====.....====.......")) == "TurnStarted 0.10, TurnEnded 1.90 silence"


def test_a_whole_answer_ends_early() -> None:
    assert shown(play(caller="===.......", words={0.4: "yes"})) == "TurnStarted 0.10, TurnEnded 0.66 complete"


def test_half_a_number_waits() -> None:
    said = {1.0: "five five five oh one", 2.6: "five five five oh one two three four five six"}
    events = play(caller="==========..........======........", words=said, expects="phone")
    assert shown(events) == "TurnStarted 0.10, TurnEnded 2.96 complete"


def test_half_a_number_is_not_waited_for_for_ever() -> None:
    events = play(caller="==========", words={1.0: "five five five oh one"}, expects="phone", more=3)
    assert shown(events) == "TurnStarted 0.10, TurnEnded 2.50 silence"


def test_words_that_come_late_end_a_turn_that_waited() -> None:
    events = play(
        caller="======..........", words={0.3: "five five five", 1.5: "no thanks"}, expects="yes_no"
    )
    assert shown(events) == "TurnStarted 0.10, TurnEnded 1.50 complete"


def test_what_is_expected_is_asked_of_words_already_heard() -> None:
    floor = Floor(UNSHIELDED)
    play(caller="======", words={0.5: "march third"}, floor=floor)
    floor.expecting("identity")
    events = [e for n in range(30, 110) for e in floor.frame(n * 0.02, False)]
    assert shown(events) == "TurnEnded 2.10 silence"


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_click_is_no_turn(frames: int) -> None:
    floor = Floor(UNSHIELDED)
    floor.agent_speaks(0)
    events = [e for n in range(200) for e in floor.frame(n * 0.02, n % 40 < frames)]
    assert events == []


def test_a_cough_is_no_turn_and_stops_nobody() -> None:
    floor = Floor(UNSHIELDED)
    floor.agent_speaks(0)
    assert [e for n in range(200) for e in floor.frame(n * 0.02, n % 100 < 20, tonal=False)] == []


def test_noise_that_goes_on_does_not_keep_a_turn_open() -> None:
    floor = Floor(UNSHIELDED)
    events = [e for n in range(200) for e in floor.frame(n * 0.02, n < 50 or n % 4 == 0, tonal=n < 50)]
    assert [e.spoken_until for e in events if isinstance(e, TurnEnded)] == [pytest.approx(1.22)]


def test_a_word_that_begins_without_a_tone_is_speech_from_its_first_sound() -> None:
    floor = Floor(UNSHIELDED)
    events = [e for n in range(60) for e in floor.frame(n * 0.02, 10 <= n < 30, tonal=n > 16)]
    assert events[0] == TurnStarted(pytest.approx(0.36), pytest.approx(0.2))


def test_a_turn_is_not_ended_in_a_pause() -> None:
    events = play(
        "..........==========", "============........", rules=Rules(greeting_shield=0, resume_after=0.8)
    )
    assert shown(events) == "TurnStarted 0.10, Pause 1.10, Resume 2.00, TurnEnded 2.00 silence"


def test_a_click_after_a_turn_does_not_make_it_longer() -> None:
    floor = Floor(UNSHIELDED)
    events = [e for n in range(80) for e in floor.frame(n * 0.02, n < 20 or n in (35, 36))]
    assert isinstance(events[-1], TurnEnded)
    assert events[-1].spoken_until == pytest.approx(0.4)


def test_speech_soon_after_a_turn_goes_on_with_it() -> None:
    events = play(caller="=====..........=====..................=====")
    assert [e.continues for e in events if isinstance(e, TurnStarted)] == [False, True, False]


def test_speech_after_the_agent_was_heard_is_a_turn_of_its_own() -> None:
    events = play(agent="............==.", caller="=====..........=====........")
    assert [e.continues for e in events if isinstance(e, TurnStarted)] == [False, False]


def test_a_turn_that_never_ends_is_cut_and_nothing_is_lost() -> None:
    events = play(caller="=" * 120, rules=Rules(longest_turn=5, greeting_shield=0), more=1)
    ended = [e for e in events if isinstance(e, TurnEnded)]
    assert [e.reason for e in ended] == ["too_long", "too_long", "silence"]
    assert ended[1].started == ended[0].spoken_until and ended[2].started == ended[1].spoken_until
    assert ended[2].spoken_until == pytest.approx(12)
    assert [e.continues for e in events if isinstance(e, TurnStarted)] == [False, True, True]


# Over the agent


def test_speech_over_the_agent_stops_it_and_then_interrupts() -> None:
    events = play(agent="====================", caller="..........==========")
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, BargeIn 1.70"


def test_words_interrupt_sooner() -> None:
    events = play(agent="====================", caller="..........=======...", words={1.36: "I need to"})
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, BargeIn 1.36"


@pytest.mark.parametrize("said", ["no", "wait", "stop", "no no that's wrong", "hold on"])
def test_some_words_interrupt_at_once(said: str) -> None:
    events = play(agent="====================", caller="..........==", words={1.22: said}, more=2)
    assert shown(events[:3]) == "TurnStarted 1.10, Pause 1.10, BargeIn 1.22"
    assert isinstance(events[3], TurnEnded)


def test_a_short_sound_is_a_back_channel_and_the_agent_goes_on() -> None:
    events = play(agent="========================================", caller="..........====......")
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, Resume 1.66, BackChannel 2.20"


@pytest.mark.parametrize("said", ["uh-huh", "mm", "okay", "right", "yeah", "mm-hmm okay", "oh I see", ""])
def test_words_tell_a_back_channel_at_once(said: str) -> None:
    events = play(agent="==============================", caller="..........====......", words={1.5: said})
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, Resume 1.66, BackChannel 1.66"


def test_a_long_back_channel_is_one_when_its_words_say_so() -> None:
    events = play(
        agent="==============================", caller="..........=========.", words={1.5: "oh okay right"}
    )
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, Resume 2.16, BackChannel 2.16"


def test_a_no_whose_words_come_after_the_agent_went_on_still_interrupts() -> None:
    events = play(agent="==============================", caller="..........===.......", words={1.9: "no"})
    assert shown(events) == (
        "TurnStarted 1.10, Pause 1.10, Resume 1.56, Pause 1.90, BargeIn 1.90, TurnEnded 1.90 complete"
    )


def test_a_short_word_that_is_no_back_channel_is_kept_though_it_does_not_interrupt() -> None:
    events = play(
        agent="==============================", caller="..........==........", words={1.7: "Tuesday"}
    )
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, Resume 1.46, TurnEnded 1.80 silence"


def test_yes_over_the_end_of_a_question_is_the_answer() -> None:
    events = play(
        agent="===============", caller="............==.......", expects="yes_no", words={1.5: "yes"}
    )
    assert shown(events) == "TurnStarted 1.30, Pause 1.30, Resume 1.50, TurnEnded 1.76 complete"


def test_yes_over_the_end_of_a_question_is_the_answer_without_words_too() -> None:
    events = play(agent="=================", caller="..........==...............", expects="yes_no")
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, Resume 1.46, TurnEnded 1.80 silence"


def test_yes_long_before_the_end_of_a_question_is_a_back_channel() -> None:
    events = play(
        agent="==================================",
        caller="..........==.......",
        expects="yes_no",
        words={1.3: "yes"},
    )
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, Resume 1.46, BackChannel 2.40"


def test_uh_huh_over_the_end_of_an_open_question_is_no_answer() -> None:
    events = play(agent="===============", caller="............==......", words={1.45: "uh-huh"})
    assert shown(events) == "TurnStarted 1.30, Pause 1.30, Resume 1.50, BackChannel 1.50"


def test_speech_that_goes_on_when_the_agent_ends_is_a_turn() -> None:
    events = play(agent="============", caller="..........=====.......")
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, Resume 1.20, TurnEnded 2.10 silence"


def test_the_agent_that_speaks_into_a_turn_gives_way_to_it() -> None:
    events = play(agent="..........=======", caller="==============.......")
    assert shown(events) == "TurnStarted 0.10, Pause 1.10, BargeIn 1.28, TurnEnded 2.00 silence"


def test_the_agent_that_begins_after_the_last_word_is_not_interrupted() -> None:
    events = play(agent="............=====", caller="==========..........")
    assert shown(events) == "TurnStarted 0.10, TurnEnded 1.60 silence"


def test_what_is_said_under_a_shield_is_kept_and_both_go_on() -> None:
    events = play(agent="##############################", caller="..........==========..........")
    assert shown(events) == "TurnStarted 1.10, Overlap 1.28, TurnEnded 2.60 silence"


def test_nothing_interrupts_the_first_moments_of_the_greeting() -> None:
    greeting = "=" * 30
    assert (
        shown(play(greeting, "...====", rules=Rules()))
        == "TurnStarted 0.40, Overlap 0.58, TurnEnded 1.30 silence"
    )
    assert shown(play(greeting, "......==========", rules=Rules())) == (
        "TurnStarted 0.70, Overlap 0.88, Pause 1.00, BargeIn 1.00, TurnEnded 2.20 silence"
    )


def test_a_shield_that_begins_in_a_pause_ends_the_pause() -> None:
    events = play(agent="============########", caller="..........======.......")
    assert shown(events) == "TurnStarted 1.10, Pause 1.10, Resume 1.20, Overlap 1.28, TurnEnded 2.20 silence"


# Silence


def test_prompts_are_counted_and_grow() -> None:
    events = play(agent="=====", more=40)
    assert events == [
        SilenceDue(pytest.approx(6.5, abs=0.03), 1),
        SilenceDue(pytest.approx(15.5, abs=0.03), 2),
        SilenceDue(pytest.approx(29.0, abs=0.03), 3),
    ]


def test_silence_is_counted_from_the_last_word_heard_and_again_after_a_turn() -> None:
    events = play(
        agent="==..............===", caller="....===", more=8, rules=Rules(greeting_shield=0, silence_after=2)
    )
    assert shown(events) == "TurnStarted 0.50, TurnEnded 1.30 silence, SilenceDue 3.90 1, SilenceDue 6.90 2"


def test_nothing_is_asked_of_a_caller_before_the_agent_was_heard() -> None:
    assert play(caller="." * 200) == []


def test_no_prompt_while_the_agent_is_at_work() -> None:
    floor = Floor(UNSHIELDED)
    play(agent="===.", floor=floor)
    floor.waits(True)
    assert [e for n in range(20, 1000) for e in floor.frame(n * 0.02, False)] == []
    floor.waits(False)
    events = [e for n in range(1000, 1400) for e in floor.frame(n * 0.02, False)]
    assert shown(events) == "SilenceDue 26.00 1"


def test_words_of_a_late_recogniser_put_off_the_prompt() -> None:
    assert play(agent="===.", words={6.0: "hello"}, more=8.5) == []


def test_a_call_whose_frames_stop_goes_on_by_the_clock() -> None:
    floor = Floor(UNSHIELDED)
    play(caller="=====", floor=floor)
    assert shown(floor.tick(1.2)) == "TurnEnded 1.20 silence"


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1e9])
def test_no_time_of_a_carrier_stops_the_floor(at: float) -> None:
    floor = Floor(UNSHIELDED)
    for _ in range(10):
        floor.frame(at, True)
    floor.tick(at)
    events = [e for n in range(200) for e in floor.frame(n * 0.02, False)]
    assert [type(e) for e in events] == [TurnEnded]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"end_wait": -1.0}, "end_wait is -1.0"),
        ({"end_wait": float("nan")}, "end_wait is nan"),
        ({"end_wait_complete": 2.0}, "end_wait_complete is longer than end_wait"),
        ({"barge_in_after": 0.9}, "barge_in_after is longer than back_channel_longest"),
        ({"speech_after": 0.3, "pause_after": 0.3, "barge_in_after": 0.3}, "speech_after is 0.3"),
        ({"silence_growth": 0.5}, "silence_growth"),
    ],
)
def test_rules_that_cannot_be_are_refused_by_name(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Rules(**wrong)
