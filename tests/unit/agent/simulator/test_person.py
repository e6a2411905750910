"""A caller steps through a script by what is heard of the agent."""

from __future__ import annotations

import pytest

from agent.channels.script import InvalidScript, Script, parse
from agent.simulator.hears import Deaf, LiveFeed
from agent.simulator.moods import MOODS
from agent.simulator.person import (
    AgentHeard,
    Habits,
    HangUp,
    KeepSilent,
    Person,
    Press,
    Speak,
    check,
    lines_of,
    words_of,
)

SPEAKING, QUIET = True, False


class Heard:
    """What the test says that the agent said."""

    def __init__(self) -> None:
        self.words, self.finished, self.at = "", False, float("-inf")

    def say(self, words: str, at: float, finished: bool = True) -> None:
        self.words, self.at, self.finished = f"{self.words} {words}".strip(), at, finished

    def newest(self) -> float:
        return self.at

    def forget(self) -> None:
        self.words, self.finished = "", False


def person(script: str, hears: Heard | Deaf | None = None) -> Person:
    return Person(Script(parse(script.splitlines())), hears or Deaf(), Habits(pause=0.5))


def quiet(since: float) -> AgentHeard:
    return AgentHeard(QUIET, since, since)


def test_a_deaf_caller_answers_when_the_agent_has_been_quiet() -> None:
    caller = person("hello\ngood bye\n")
    assert caller.step(0.5, AgentHeard(SPEAKING, 0.0, 0.0)) is None
    assert caller.step(2.4, quiet(2.0)) is None
    assert caller.step(2.5, quiet(2.0)) == Speak("hello")
    assert caller.step(2.6, quiet(2.0)) is None  # still speaking
    caller.said(3.5)
    assert caller.step(4.5, quiet(2.0)) is None  # the agent's turn
    assert caller.step(6.5, quiet(6.0)) == Speak("good bye")
    caller.said(7.0)
    assert caller.step(9.5, quiet(9.0)) == HangUp()
    assert caller.step(9.6, quiet(9.0)) is None


def test_patterns_are_matched_against_what_the_agent_said_and_tools_are_waited_for() -> None:
    hears = Heard()
    caller = person("birth => The second of July.\nhelp => I need (x)\n", hears)
    hears.say("One moment.", 1.0, finished=False)
    assert caller.step(3.0, quiet(2.0)) is None
    hears.say("What is your date of birth?", 3.5)
    assert caller.step(3.6, quiet(2.0)) is None  # its sound has not come
    assert caller.step(6.0, quiet(5.0)) == Speak("The second of July.")
    assert hears.words == ""


def test_words_whose_sound_never_comes_are_answered_in_the_end() -> None:
    hears = Heard()
    caller = person("hello", hears)
    hears.say("How can I help?", 3.5)
    assert caller.step(9.0, quiet(2.0)) is None
    assert caller.step(9.6, quiet(2.0)) == Speak("hello")


def test_interruptions_come_while_the_agent_speaks_once_a_stretch() -> None:
    caller = person("[interrupt 1.5] wait a moment\n[uh-huh]\n[back-channel 2] right\n[keys 12#]\n")
    assert caller.step(2.4, AgentHeard(SPEAKING, 1.0, 2.0)) is None
    assert caller.step(2.5, AgentHeard(SPEAKING, 1.0, 2.0)) == Speak("wait a moment", interrupts=True)
    caller.said(3.0)
    assert caller.step(3.4, AgentHeard(SPEAKING, 1.0, 2.0)) is None
    assert caller.step(5.0, AgentHeard(SPEAKING, 4.0, 4.0)) == Speak("uh-huh", answers=False)
    caller.said(5.2)
    assert caller.step(9.0, AgentHeard(SPEAKING, 7.0, 4.0)) == Speak("right", answers=False)
    caller.said(9.3)
    assert caller.step(10.5, quiet(10.0)) == Press("12#")


def test_silence_and_waiting() -> None:
    caller = person("[silence]\n[wait 2]\n[play words.wav]\n[hangup]\n")
    assert caller.step(2.5, quiet(2.0)) == KeepSilent()
    assert caller.step(5.0, quiet(2.0)) is None
    assert caller.step(8.0, quiet(7.0)) is None
    assert caller.step(9.4, quiet(7.0)) is None
    assert caller.step(9.5, quiet(7.0)) == Speak("", file="words.wav")
    caller.said(10.0)
    assert caller.step(11.5, quiet(11.0)) == HangUp()


def test_a_mood_lasts_from_its_line_on() -> None:
    heard = Heard()
    caller = person("hello\n[mood angry] I have called three times\nwhich => [interrupt 1] the first", heard)
    said = []
    for start in (0.0, 10.0):
        heard.say("how can I help?", start)
        said.append(caller.step(start + 2, quiet(start + 1)))
        caller.said(start + 3)
    heard.say("which one", 20.0)
    said.append(caller.step(21.5, AgentHeard(SPEAKING, 20.0, 20.0)))
    assert said == [
        Speak("hello"),
        Speak("I have called three times", mood="angry"),
        Speak("the first", interrupts=True, mood="angry"),
    ]


def test_a_line_said_again_is_said_as_often_as_it_fits_and_is_no_reason_to_stay() -> None:
    script = Script(parse(["hello", "member ID => [again] W nine", "right => yes"]))
    answers = [script.next(said) for said in ("", "the member ID?", "the member ID?", "is that right")]
    assert answers == ["hello", "W nine", "W nine", "yes"]
    assert script.next("goodbye") is None


def test_only_a_line_with_a_pattern_is_said_again() -> None:
    with pytest.raises(InvalidScript, match="line 1"):
        parse(["[again] hello"])


def test_a_caller_with_nothing_to_say_hangs_up_in_the_end() -> None:
    caller = person("never => said", Heard())
    assert caller.step(31.0, quiet(2.0)) is None
    assert caller.step(32.1, quiet(2.0)) == HangUp()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[keys 12a]", "line 2: [keys] needs digits"),
        ("[interrupt soon] no", "line 2: [interrupt soon] needs a number"),
        ("[interrupt 1]", "line 2: [interrupt] needs words"),
        ("[dance]", "line 2: [dance] is not known"),
        ("[mood jolly] hello", "line 2: [mood jolly] is not known"),
        ("[interrupt 1] [mood jolly] hello", "line 2: [mood jolly] is not known"),
    ],
)
def test_a_directive_that_cannot_be_done_is_named(line: str, words: str) -> None:
    with pytest.raises(InvalidScript) as caught:
        check(parse(["hello", line]), MOODS)
    assert words in str(caught.value)


def test_which_words_a_line_needs_a_voice_for() -> None:
    lines = ("hello", "[uh-huh]", "[interrupt 1] [mood angry] no", "[back-channel]", "[back-channel] right")
    assert [words_of(line) for line in lines] == ["hello", "uh-huh", "no", "uh-huh", "right"]
    silent = ("[play a.wav]", "[interrupt 1] [play a.wav]", "[keys 1]", "[hangup]", "")
    assert not any(words_of(line) for line in silent)


def test_the_lines_whose_words_are_known_before_the_call() -> None:
    script = (
        "hello",
        "(.*)which => {1} please",
        "[mood sad] [play a.wav]",
        "[interrupt 1] no",
        "[mood angry] go",
    )
    assert list(lines_of(parse(script))) == [
        Speak("hello"),
        Speak("no", mood="sad"),
        Speak("go", mood="angry"),
    ]


class Counted(Script):
    """Counts how often it is searched."""

    searched = 0

    def peek(self, agent_said: str) -> str | None:
        self.searched += 1
        return super().peek(agent_said)


def test_the_script_is_searched_when_the_agent_has_said_more_or_a_line_was_said() -> None:
    hears = Heard()
    script = Counted(parse(["which => [interrupt 1] the first", "[uh-huh]", "yes"]))
    caller = Person(script, hears, Habits())
    hears.say("Now", 0.0)
    steps = [caller.step(at / 50, AgentHeard(SPEAKING, 0.0, 0.0)) for at in range(45)]
    assert (steps, script.searched) == ([None] * 45, 1)
    hears.say("which one?", 0.9)
    assert caller.step(0.9, AgentHeard(SPEAKING, 0.0, 0.0)) is None
    assert script.searched == 2
    assert caller.step(1.0, AgentHeard(SPEAKING, 0.0, 0.0)) == Speak("the first", interrupts=True)
    caller.said(1.5)
    hears.say("which one?", 2.0)
    assert caller.step(3.1, AgentHeard(SPEAKING, 2.0, 2.0)) == Speak("uh-huh", answers=False)


def test_the_live_feed_tells_words_and_tools_and_survives_nonsense() -> None:
    at = 0.0
    feed = LiveFeed("http://server", "t", "CA1", lambda: at)
    assert (feed.words, feed.finished) == ("", False)
    for line in ("", ": ping", "data: nonsense", "data: 3", 'data: {"kind":"state","text":"x"}'):
        feed.take(line)
    at = 2.0
    feed.take('data: {"kind":"agent","text":"Hello.","turn":1,"at":"now"}')
    assert (feed.words, feed.finished, feed.newest()) == ("Hello.", True, 2.0)
    feed.take('data: {"kind":"tool","text":"FindPatients"}')
    assert not feed.finished
    feed.take('data: {"kind":"result","text":"Found"}')
    feed.take('data: {"kind":"agent","text":"There you are."}')
    assert (feed.words, feed.finished) == ("Hello. There you are.", True)
    feed.forget()
    assert (feed.words, feed.finished) == ("", False)
