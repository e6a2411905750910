"""Whatever happens on a call, the floor's events make sense and nothing that was said is lost."""

import pickle
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from played import FRAME

from agent.turns.events import (
    BackChannel,
    BargeIn,
    FloorEvent,
    Overlap,
    Pause,
    Resume,
    SilenceDue,
    TurnEnded,
    TurnStarted,
)
from agent.turns.floor import Floor
from agent.turns.rules import Rules

TEXTS = ("", "uh-huh", "no", "yes", "I need to cancel", "five five five", "wait", "and um", "é漢 12/")
EXPECTED = ("", "yes_no", "identity", "slot", "phone", "insurance", "address", "unheard of")

voice = st.tuples(st.just("voice"), st.integers(1, 60), st.booleans())
little = st.tuples(st.just("voice"), st.integers(5, 16), st.booleans())
away = st.sampled_from((0.0, 0.0, -0.4, 0.3))
"""Seconds that the clock of playback or words is away from that of the sound."""
happening = st.one_of(
    voice,
    voice,
    little,
    little,
    st.tuples(st.just("words"), away, st.sampled_from(TEXTS)),
    st.tuples(st.just("speaks"), away, st.booleans()),
    st.tuples(st.just("quiet"), away),
    st.tuples(st.just("expects"), st.sampled_from(EXPECTED)),
    st.tuples(st.just("waits"), st.booleans()),
    st.tuples(st.just("tick"), st.floats(0, 3)),
)
rules = st.builds(
    Rules,
    end_wait=st.sampled_from((0.5, 0.7)),
    end_wait_complete=st.sampled_from((0.0, 0.1, 0.35)),
    longest_turn=st.sampled_from((1.0, 3.0, 25.0)),
    greeting_shield=st.sampled_from((0.0, 1.0)),
    resume_after=st.sampled_from((0.0, 0.25, 0.8)),
    words_wait=st.sampled_from((0.0, 0.8)),
)


@dataclass
class Call:
    """A floor, a clock, and what really was voiced."""

    floor: Floor
    now: float = 0.0
    voiced: list[float] = field(default_factory=list)
    events: list[FloorEvent] = field(default_factory=list)

    def happens(self, what: tuple) -> None:
        name, *args = what
        if name == "voice":
            self._voice(*args)
        elif name == "words":
            self.events += self.floor.words(self.now + args[0], args[1])
        elif name == "speaks":
            self.events += self.floor.agent_speaks(self.now + args[0], args[1])
        elif name == "quiet":
            self.events += self.floor.agent_quiet(self.now + args[0])
        elif name == "expects":
            self.floor.expecting(args[0])
        elif name == "waits":
            self.floor.waits(args[0])
        else:
            self.now += args[0]
            self.events += self.floor.tick(self.now)

    def _voice(self, frames: int, voiced: bool) -> None:
        for _ in range(frames):
            if voiced:
                self.voiced.append(self.now)
            self.events += self.floor.frame(self.now, voiced)
            self.now += FRAME

    def stretches(self) -> list[tuple[float, float]]:
        """Where voice lasted 300 ms without a break."""
        out: list[list[float]] = []
        for at in self.voiced:
            if out and abs(out[-1][1] - at) < 1e-6:
                out[-1][1] = at + FRAME
            else:
                out.append([at, at + FRAME])
        return [(a, b) for a, b in out if b - a >= 0.3 - 1e-6]


def _ran(happenings: list[tuple], chosen: Rules) -> Call:
    call = Call(Floor(chosen))
    for what in happenings:
        call.happens(what)
    call.happens(("quiet", 0.0))
    call.happens(("voice", 150, False))
    return call


@settings(max_examples=120, deadline=None)
@given(st.lists(happening, max_size=40), rules)
def test_events_follow_their_grammar(happenings: list[tuple], chosen: Rules) -> None:
    turn, paused, overlapped = False, False, False
    before = 0.0
    for event in _ran(happenings, chosen).events:
        assert event.at >= before
        before = event.at
        match event:
            case TurnStarted(at, started):
                assert not turn and not paused and started <= at
                turn, overlapped = True, False
            case TurnEnded(at, started, until, _):
                assert turn and not paused and started <= until <= at
                turn = False
            case BackChannel(at, started):
                assert turn and not paused and started <= at
                turn = False
            case Pause():
                assert turn and not paused
                paused = True
            case BargeIn() | Resume():
                assert turn and paused
                paused = False
            case Overlap():
                assert turn and not paused and not overlapped
                overlapped = True
            case SilenceDue(_, count):
                assert not turn and not paused and count >= 1
    assert not turn and not paused


@settings(max_examples=120, deadline=None)
@given(st.lists(happening, max_size=40), rules)
def test_nothing_that_was_said_is_lost(happenings: list[tuple], chosen: Rules) -> None:
    call = _ran(happenings, chosen)
    ends = [(e.started, e.spoken_until) for e in call.events if isinstance(e, TurnEnded)]
    back = [(e.started, e.at) for e in call.events if isinstance(e, BackChannel)]
    held = sorted(ends + back)
    for begun, until in call.stretches():
        covered = begun
        for a, b in held:
            if a <= covered + 0.021 and b > covered:
                covered = b
        assert covered >= until - 0.021, (begun, until, held)


@settings(max_examples=60, deadline=None)
@given(st.lists(happening, max_size=40), rules)
def test_back_channels_are_short_and_only_over_the_agent(happenings: list[tuple], chosen: Rules) -> None:
    call = _ran(happenings, chosen)
    for event in call.events:
        if isinstance(event, BackChannel):
            inside = [b - a for a, b in call.stretches() if a >= event.started - 1e-6 and b <= event.at]
            assert all(length <= chosen.back_channel_worded + 0.03 for length in inside)


def test_nothing_grows_with_the_length_of_a_call() -> None:
    floor = Floor(Rules())
    sizes = []
    for n in range(30_000):  # ten minutes
        if n % 700 == 0:
            floor.agent_speaks(n * FRAME)
        if n % 700 == 200:
            floor.agent_quiet(n * FRAME)
        if n % 150 == 0:
            floor.words(n * FRAME, "and then I said to her " * (n % 5000))
        floor.frame(n * FRAME, (n // 40) % 3 == 0)
        if n % 3_000 == 2_999:
            sizes.append(len(pickle.dumps(floor.__dict__)))
    assert max(sizes) < 4_000
