"""Scenario files: who calls, what for, what happens meanwhile, and what must be true in the world afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import yaml

from agent.errand import PURPOSES
from agent.evaluation.practice import ZONE

NOW = datetime(2026, 11, 24, 14, 47, tzinfo=ZONE)
STYLES = ("terse", "chatty", "hesitates", "corrects", "interrupts", "spells")
WISHES = ("reschedule", "book", "cancel", "confirm", "insurance", "phone", "address", "other")
MOODS = ("neutral", "angry", "sad", "hurried", "anxious")
NOISES = {"none": None, "quiet": 26.0, "street": 18.0, "loud": 12.0}
"""How far what is in the background is below the caller's voice, in decibels."""
TROUBLES = ("down", "lost", "busy", "slow", "taken")
_T = TypeVar("_T")


class InvalidScenario(ValueError):
    """A scenario cannot be read; the message names the file, the scenario and the place."""


@dataclass(frozen=True, slots=True)
class Find:
    """A FHIR search made after the call: ``count`` matches, each (``every``) holding the values of ``where``.

    ``where`` maps a dotted path to a value that must be among those found there; ``confidence`` is that of the first
    version of each match.
    """

    search: str
    count: int
    where: Mapping[str, Any] = field(default_factory=dict)
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class After:
    """What must be true afterwards.

    ``outcome``: a regular expression for how the call ended; ``writes``: patterns of what may have been written
    besides the record of the call (``Slot/lane-*``; a new resource of a patient is ``Appointment/+eve``).
    """

    outcome: str
    find: tuple[Find, ...] = ()
    writes: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    stated: Mapping[str, str] = field(default_factory=dict)
    """By reference: a text that is among what the agent stated of it, also where another source's word is held."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong on the way to the server.

    ``kind``: ``down`` (no answer), ``lost`` (done, but the answer never arrives), ``busy`` (HTTP 503), ``slow``
    (``seconds`` more), ``taken`` (somebody else books ``slot`` just before the agent does). ``path`` (its
    beginning), ``method`` and ``holds`` (words of the body) say for which requests; ``times`` for how many.
    """

    kind: str
    path: str = ""
    method: str = ""
    holds: str = ""
    seconds: float = 0.0
    slot: str = ""
    times: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What the caller does while a tool runs: ``during`` names its request, ``act`` an utterance or directive."""

    during: str
    act: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. ``facts`` are what the caller knows; ``answers`` override what is said to a kind of question."""

    name: str
    about: str
    after: After
    patient: str = ""
    caller: str | None = None
    style: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    at_once: bool = False
    """Whether all wishes are said in the first sentence."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    script: tuple[str, ...] = ()
    trouble: tuple[Trouble, ...] = ()
    meanwhile: tuple[Meanwhile, ...] = ()
    now: datetime = NOW
    ring_seconds: float = 5.0
    setting: Mapping[str, Any] = field(default_factory=dict)
    errand: str = ""
    """The purpose for which the agent calls the patient; empty: the caller calls."""
    texted: str = ""
    """The purpose for which a campaign wrote to the patient before, about ``visit``; what follows is the answer."""
    visit: str = ""
    written: bool = False
    """Whether the conversation is one of text messages."""
    mood: str = "neutral"
    noise: str = "none"
    audio: bool = False
    """Whether it is one of those that are also run by audio."""
    chat: bool = False
    """Whether it is one of those that are also run by chat."""
    only: str = ""
    """``chat`` for what can only happen there."""
    signed_in: bool = False
    """By chat: whether the app's token says which patient this is."""
    cut: float = 0.0
    """By chat: the share of requests whose connection is cut."""


def load(folder: Path | None = None) -> list[Scenario]:
    """Every scenario of ``folder`` (``*.yaml``), or of those that come with Credence, in order of file and place.

    Raises :class:`InvalidScenario`; two scenarios of one name are an error too.
    """
    root = folder or resources.files(__package__).joinpath("scenarios")
    found: dict[str, Scenario] = {}
    for file in sorted(root.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".yaml"):
            continue
        for scenario in parse(file.read_text("utf-8"), file.name):
            if scenario.name in found:
                raise InvalidScenario(f"{file.name}: there are two scenarios named '{scenario.name}'")
            found[scenario.name] = scenario
    return list(found.values())


def parse(text: str, where: str) -> list[Scenario]:
    """The scenarios of one file, a YAML list. Raises :class:`InvalidScenario`."""
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InvalidScenario(f"{where}{line}: not YAML") from None
    if not isinstance(entries, list):
        raise InvalidScenario(f"{where}: a file is a list of scenarios")
    return [_scenario(entry, f"{where}, scenario {n}") for n, entry in enumerate(entries, 1)]


def _scenario(entry: Any, where: str) -> Scenario:
    if isinstance(entry, dict) and isinstance(entry.get("name"), str):
        where = f"{where} ({entry['name']})"
    given = _fields(Scenario, entry, where)
    after = _fields(After, given.get("after"), f"{where}, after")
    after["find"] = _several(Find, after.get("find", ()), f"{where}, after.find")
    given["after"] = After(**_tuples(after, ("writes", "said", "unsaid")))
    given["trouble"] = _several(Trouble, given.get("trouble", ()), f"{where}, trouble")
    given["meanwhile"] = _several(Meanwhile, given.get("meanwhile", ()), f"{where}, meanwhile")
    given["answers"] = {
        k: tuple(v) if isinstance(v, list) else (v,) for k, v in given.get("answers", {}).items()
    }
    if isinstance(given.get("now"), str | datetime):
        given["now"] = datetime.fromisoformat(str(given["now"])).replace(tzinfo=ZONE)
    made = Scenario(**_tuples(given, ("style", "wants", "script")))
    _check(made, where)
    return made


def _check(made: Scenario, where: str) -> None:
    kinds = tuple(t.kind for t in made.trouble)
    checked = (
        ("style", made.style, STYLES),
        ("wants", made.wants, WISHES),
        ("trouble", kinds, TROUBLES),
        ("mood", (made.mood,), MOODS),
        ("noise", (made.noise,), tuple(NOISES)),
        ("only", (made.only,), ("", "chat")),
        ("errand", (made.errand,), ("", *PURPOSES)),
        ("texted", (made.texted,), ("", *PURPOSES)),
    )
    for name, values, known in checked:
        wrong = next((v for v in values if v not in known), "")
        if wrong:
            raise InvalidScenario(f"{where}: {name} has '{wrong}'; known: {', '.join(known)}")
    if not made.script and not made.wants and not made.answers:
        raise InvalidScenario(f"{where}: give 'wants', 'answers' or a 'script'")


def _fields(kind: type[_T], entry: Any, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise InvalidScenario(f"{where}: must be a mapping")
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    for name in entry:
        if name not in known:
            raise InvalidScenario(f"{where}: unknown '{name}'; known: {', '.join(known)}")
    needed = [n for n, f in known.items() if _needed(f) and n not in entry]
    if needed:
        raise InvalidScenario(f"{where}: '{needed[0]}' is needed")
    return dict(entry)


def _needed(of: Field[Any]) -> bool:
    return of.default is MISSING and of.default_factory is MISSING


def _several(kind: type[_T], entries: Any, where: str) -> tuple[_T, ...]:
    listed = entries if isinstance(entries, list | tuple) else [entries]
    return tuple(kind(**_fields(kind, e, f"{where} {n}")) for n, e in enumerate(listed, 1))


def _tuples(given: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    for name in names:
        value = given.get(name)
        if isinstance(value, str):
            value = value.splitlines() if name == "script" else [value]
        if value is not None:
            given[name] = tuple(str(v).strip() for v in value if str(v).strip())
    return given


def day_of(value: Any) -> date:
    """A fact that is a date, as YAML reads it or as text."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))
