"""``credence simulate-phone``: call the agent as Twilio would, with sound, or be called by it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.channels.script import Step
    from agent.simulator.calls import CallResult, Ears, SimulatedCaller
    from agent.simulator.carrier import Line
    from agent.speech.local.espeak import EspeakSynthesiser

MOODS = ("neutral", "angry", "sad", "hurried")
ANSWERS = ("person", "machine", "busy", "no-answer", "failed")


def run(arguments: list[str]) -> int:
    """Make the calls; 0 where every call went as the script said."""
    options = _parser().parse_args(arguments)
    if not options.auth_token:
        return _wrong("give --auth-token, or TWILIO_AUTH_TOKEN in the environment: what the server has")
    if options.answer:
        return _answer(options)
    if not options.script and not options.audio:
        return _wrong("give --script FILE (the caller's words) or --audio FILE… (one for each turn)")
    try:
        steps = _steps(options)
    except (OSError, ValueError) as error:
        return _wrong(str(error))
    if any(_has_words(step.text) for step in steps) and not _can_speak():
        return _wrong("words need a synthesiser: pip install 'credence[espeak]', or give --audio")
    from agent.simulator.calls import runner

    with runner() as loop:
        results = loop.run(_calls(options, steps))
    _show(results, options.json)
    return 0 if all(not result.as_json()["trouble"] for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="credence simulate-phone",
        description="Call the agent as Twilio would, with sound, or be called.",
    )
    add = parser.add_argument
    add("--webhook", default="http://127.0.0.1:8080/telephony/voice", help="default: %(default)s")
    add("--public-url", default="", help="what requests are signed for, where it is not the webhook's")
    add("--auth-token", default=os.environ.get("TWILIO_AUTH_TOKEN", ""), help="or TWILIO_AUTH_TOKEN")
    add("--from", dest="caller", default="+15555550123", help="the caller's number (default: %(default)s)")
    add("--to", default="+15555550100", help="the number that is called (default: %(default)s)")
    add("--script", type=Path, help="a file of the caller's words, one line a turn")
    add("--audio", type=Path, nargs="+", default=[], help="WAV files, one for each turn")
    add("--voice", default="en-us+m3", help="a voice of espeak-ng (default: %(default)s)")
    add("--mood", choices=MOODS, default="neutral")
    add("--snr", type=float, help="noise in the background, so many dB below the speech")
    add(
        "--pause",
        type=float,
        default=0.6,
        help="seconds a caller waits before answering (default: %(default)s)",
    )
    add("--calls", type=int, default=1, help="calls at once")
    add("--spread", type=float, default=0.1, help="seconds between the beginnings of calls")
    add("--jitter", type=float, default=0.0, help="milliseconds by which a frame is late at most")
    add("--loss", type=float, default=0.0, help="percent of frames that never come")
    add("--duplicates", type=float, default=0.0, help="percent of frames that come twice")
    add("--seed", type=int, default=0, help="of jitter, loss, duplicates and noise")
    add("--hang-up-after", type=float, default=0.0, help="seconds after which the caller is gone")
    add("--transfer", default="completed", choices=("completed", "no-answer", "busy", "failed"))
    add("--record", type=Path, help="a folder for stereo recordings (caller left, agent right) and moments")
    add("--live", default="", help="the server whose live feed tells what the agent says; without, by turns")
    add("--live-token", default=os.environ.get("CREDENCE_TOKEN", ""), help="an operator's; or CREDENCE_TOKEN")
    add("--json", action="store_true", help="print the figures as JSON")
    called = parser.add_argument_group(
        "to be called", "be Twilio's REST API ([telephony] api_url), and answer"
    )
    called.add_argument("--answer", choices=ANSWERS, help="what becomes of each call the agent makes")
    called.add_argument("--port", type=int, default=8095, help="of the REST API (default: %(default)s)")
    called.add_argument("--rings", type=float, default=2.0, help="seconds it rings (default: %(default)s)")
    return parser


def _answer(options: argparse.Namespace) -> int:
    """Answer calls until stopped."""
    if not _can_speak():
        return _wrong("who is called needs a voice: pip install 'credence[espeak]'")
    from agent.simulator.callee import Callee
    from agent.simulator.calls import runner
    from agent.simulator.rest_api import serve

    if options.answer == "person" and not options.script:
        return _wrong("give --script FILE: the words of the person who answers")
    try:
        steps = _steps(options) if options.script else []
    except (OSError, ValueError) as error:
        return _wrong(str(error))
    callee = Callee(options.answer, options.rings, tuple(steps), live=options.live, token=options.live_token)
    with contextlib.suppress(KeyboardInterrupt), runner() as loop:
        loop.run(serve(options.port, _line(options), options.record, callee))
    return 0


def _steps(options: argparse.Namespace) -> list[Step]:
    from agent.channels.script import parse
    from agent.simulator.person import check

    if options.script:
        steps = parse(options.script.read_text("utf-8").splitlines())
        check(steps, MOODS)
        return steps
    return parse(f"[play {path.resolve()}]" for path in options.audio)


def _has_words(text: str) -> bool:
    """Whether a line needs a voice: it has words, or is a back-channel."""
    from agent.simulator.person import words_of

    return bool(words_of(text))


def _can_speak() -> bool:
    from importlib.util import find_spec

    return find_spec("espeakng_loader") is not None


async def _calls(options: argparse.Namespace, steps: Sequence[Step]) -> list[CallResult]:
    from rich.console import Console
    from rich.progress import Progress

    from agent.simulator.calls import make_calls, rehearse

    voice = _voice(options)
    try:
        if voice is not None:
            await voice.start()
        caller = _caller(options, steps, voice)
        await rehearse([caller])
        callers = [caller] * options.calls
        console = Console(stderr=True)
        with Progress(console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("calls", total=len(callers))
            return await make_calls(
                _line(options),
                callers,
                _ears(options),
                options.record,
                options.spread,
                lambda result: progress.advance(bar),
            )
    finally:
        if voice is not None:
            await voice.close()


def _voice(options: argparse.Namespace) -> EspeakSynthesiser | None:
    with contextlib.suppress(ImportError):
        from agent.speech.local.espeak import EspeakSynthesiser, EspeakVoice

        return EspeakSynthesiser(EspeakVoice(options.voice)) if _can_speak() else None
    return None


def _line(options: argparse.Namespace) -> Line:
    from agent.simulator.carrier import Line

    return Line(
        options.webhook,
        options.auth_token,
        options.public_url,
        number=options.to,
        transfer=options.transfer,
    )


def _ears(options: argparse.Namespace) -> Ears:
    from agent.simulator.calls import Ears

    return Ears(options.live, options.live_token)


def _caller(
    options: argparse.Namespace, steps: Sequence[Step], voice: EspeakSynthesiser | None
) -> SimulatedCaller:
    from agent.simulator.calls import SimulatedCaller
    from agent.simulator.faults import Faults
    from agent.simulator.person import Habits

    faults = Faults(options.jitter / 1000, options.loss / 100, options.duplicates / 100, options.seed)
    folder = options.script.parent if options.script else Path()
    return SimulatedCaller(
        options.caller,
        steps,
        voice,
        options.mood,
        options.snr,
        Habits(pause=options.pause),
        faults,
        options.hang_up_after,
        folder,
    )


def _show(results: Sequence[CallResult], as_json: bool) -> None:
    if as_json:
        print(json.dumps([result.as_json() for result in results], indent=1))
        return
    from rich.console import Console

    from agent.simulator.report import table

    Console().print(table(results))


def _wrong(problem: str) -> int:
    print(f"credence simulate-phone: {problem}", file=sys.stderr)
    return 2
