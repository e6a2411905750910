"""``credence eval``: scenarios played against the agent and a real server, judged by the world afterwards."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from agent.evaluation.report import Report
    from agent.evaluation.runner import Driver, Outcome
    from agent.evaluation.scenario import Scenario


def run(arguments: list[str]) -> int:
    """Run the scenarios; 0 only where the limits hold, 1 where they do not, 2 where it could not be run."""
    options = _parser().parse_args(arguments)
    from agent.evaluation.scenario import InvalidScenario, load

    try:
        scenarios = _chosen(load(options.scenarios), options)
        if options.list:
            print("\n".join(f"{s.name:38} {s.about}" for s in scenarios))
            return 0
        driver = _driver(options)
        report = asyncio.run(_evaluate(scenarios, driver, options))
    except (InvalidScenario, Unavailable, OSError) as error:
        print(f"credence eval: {error}", file=sys.stderr)
        return 2
    if options.out:
        options.out.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    return 0 if report.holds and not options.interrupted else 1


class Unavailable(RuntimeError):
    """What was asked for cannot be run here; the message says what is missing."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="credence eval", description="Play scenarios against the agent and judge what became of them."
    )
    parser.add_argument("--runs", type=int, default=1, help="runs of each scenario (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the callers' words (default: %(default)s)")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="scenarios whose name matches")
    parser.add_argument("--brain", choices=("policy", "llm"), default="policy", help="default: %(default)s")
    parser.add_argument(
        "--by", choices=("text", "audio", "chat"), default="text", help="default: %(default)s"
    )
    parser.add_argument("--scenarios", type=Path, help="a folder of scenario files instead of Credence's own")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write everything as JSON")
    parser.add_argument(
        "--at-once", type=int, default=0, metavar="N", help="runs at once (default: 1, by audio 2)"
    )
    parser.add_argument(
        "--record", type=Path, metavar="FOLDER", help="by audio: keep the sound of every call"
    )
    parser.add_argument("--list", action="store_true", help="only list the scenarios")
    parser.set_defaults(interrupted=False)
    parser.add_argument("--show", action="store_true", help="show every transcript, not only of failures")
    return parser


def _chosen(scenarios: Sequence[Scenario], options: argparse.Namespace) -> list[Scenario]:
    from agent.evaluation.scenario import InvalidScenario

    pattern = options.only if any(c in options.only for c in "*?[") else f"*{options.only}*"
    chosen = [s for s in scenarios if fnmatchcase(s.name, pattern) and _played_by(s, options.by)]
    if not chosen:
        raise InvalidScenario(f"no scenario matches '{options.only}'")
    return chosen


def _played_by(scenario: Scenario, by: str) -> bool:
    if by == "chat":
        return scenario.chat or scenario.only == "chat"
    return not scenario.only and (by == "text" or scenario.audio)


def _driver(options: argparse.Namespace) -> AbstractAsyncContextManager[Driver]:
    from agent.evaluation.runner import TextDriver

    if options.brain == "llm":
        raise Unavailable("--brain llm: no language model is wired to the evaluation")
    if options.by == "chat":
        from fhirserver.app.chat_evaluation import ChatDriver

        return ChatDriver()
    return _audio(options) if options.by == "audio" else contextlib.nullcontext(TextDriver())


def _audio(options: argparse.Namespace) -> AbstractAsyncContextManager[Driver]:
    """Needs the extras ``voice`` and ``espeak``. Raises Unavailable."""
    missing = [m for m in ("pocketsphinx", "espeakng_loader", "numpy") if find_spec(m) is None]
    if missing:
        raise Unavailable(f"--by audio needs {', '.join(missing)}: pip install 'credence[voice,espeak]'")
    from fhirserver.app.voice.evaluation import AudioDriver

    return AudioDriver(recordings=options.record)


async def _evaluate(
    scenarios: Sequence[Scenario], driving: AbstractAsyncContextManager[Driver], options: argparse.Namespace
) -> Report:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from agent.evaluation.practice import practice
    from agent.evaluation.report import Report
    from agent.evaluation.runner import run as play
    from fhirserver.app.embedded import EmbeddedServers

    console = Console(width=None if sys.stdout.isatty() else 140)
    outcomes: dict[tuple[int, int], Outcome] = {}
    columns = (TextColumn("{task.description:38}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory(prefix="credence-eval-") as folder:
        servers = EmbeddedServers(Path(folder), sockets=options.by != "text")
        await servers.seed(practice().resources)
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=len(scenarios) * options.runs)
            places = asyncio.Semaphore(options.at_once or (2 if options.by == "audio" else 1))

            async def one(place: int, scenario: Scenario, number: int) -> None:
                async with places:
                    progress.update(task, description=scenario.name)
                    seed = options.seed * 1000 + number
                    outcome = await play(scenario, seed, servers.fresh, driver, number)
                    progress.advance(task)
                outcomes[place, number] = outcome
                if options.show or not outcome.success:
                    _show_outcome(console, outcome)

            try:
                async with driving as driver, asyncio.TaskGroup() as group:
                    for place, scenario in enumerate(scenarios):
                        for number in range(1, options.runs + 1):
                            group.create_task(one(place, scenario, number))
            except ExceptionGroup as several:  # the first trouble is told as it is
                raise several.exceptions[0] from None
            except asyncio.CancelledError:  # Ctrl-C: what was run so far is still told
                console.print("[yellow]interrupted: these are the runs until then[/]")
                options.interrupted = True
    report = Report([outcomes[key] for key in sorted(outcomes)], options.by)
    _show(console, report)
    return report


def _show(console: Console, report: Report) -> None:
    from rich.table import Table

    from agent.evaluation.report import quantiles

    table = Table("scenario", title=f"Evaluation by {report.by}")
    for name in ("runs", "success", "wrong writes", "disclosures", "turns", "brain p95 ms", "tool p95 ms"):
        table.add_column(name, justify="right")
    for row in report.rows:
        style = "" if row.successes == row.runs else "yellow" if row.successes else "red"
        cells = [row.runs, f"{row.successes}/{row.runs}", row.wrong_writes, row.disclosures, row.turns]
        table.add_row(row.scenario, *map(str, [*cells, row.brain_ms, row.tool_ms]), style=style)
    console.print(table)
    if report.by == "audio":
        console.print(_sound(report), highlight=False)
    brain = quantiles([t for o in report.outcomes for t in o.brain_ms])
    verdict = "[green]the limits hold[/]" if report.holds else "[red]the limits do not hold[/]"
    console.print(
        f"{len(report.outcomes)} runs of {len(report.rows)} scenarios: success {report.success:.1%}, "
        f"wrong writes {report.wrong_writes}, disclosures before identity {report.disclosures}; "
        f"brain p95 {brain['p95']} ms; {verdict}",
        highlight=False,
    )


def _sound(report: Report) -> str:
    """What was measured from the recordings, in milliseconds."""
    told = ", ".join(f"{name} p50 {q['p50']:.0f}, p95 {q['p95']:.0f}" for name, q in report.sound_ms.items())
    return f"from the recordings, in ms: {told}"


def _show_outcome(console: Console, outcome: Outcome) -> None:
    from rich.markup import escape

    style = "green" if outcome.success else "red"
    console.rule(f"[{style}]{outcome.scenario}[/], run {outcome.run}: {escape(outcome.ended)}", align="left")
    reasons = [
        *outcome.wrong,
        *(f"wrong write: {w}" for w in outcome.wrong_writes),
        *(f"disclosed: {d}" for d in outcome.disclosures),
    ]
    for reason in reasons:
        console.print(f"[red]{escape(reason)}[/]", highlight=False)
    for line in outcome.transcript:
        console.print(escape(line), highlight=False, style="dim" if line.startswith(" ") else "")
