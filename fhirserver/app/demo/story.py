"""The story of the demo, shown as it happens: sync, call, verification, review, writeback, proof."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from agent.call import Event
from agent.channels.terminal import CallOptions, run_call
from fhirserver.app.demo.checks import (
    Check,
    below_gate_before_approval,
    final_checks,
    heard_checks,
    latency_checks,
)
from fhirserver.app.demo.outreach import Outreach
from fhirserver.app.demo.phone_report import Conversation, keep_recording, show_figures
from fhirserver.app.demo.processes import DidNotStart, free_port, running
from fhirserver.app.demo.setup import FAULTS, Stage, ehr_arguments, set_up
from fhirserver.app.demo.telephone import CallFailed, answering, make_call, missing_to_reach_out
from fhirserver.app.demo.world import Waited, World, wait_for

CALLER = "+15559697967"
DOWN_SECONDS = 12.0
DOWN_SECONDS_SOUND = 45.0
"""A spoken call takes its time: the EHR must be down when the appointment is moved."""
_SYNCED = ("Patient", "Appointment", "Slot", "Coverage", "Observation", "Encounter", "Practitioner")


Calling: TypeAlias = Callable[[Stage, World, "Timeline"], list[Check]]
"""Makes the call; what had to hold of it."""


class Timeline:
    """Prints what happens, with the seconds since the start."""

    def __init__(self, console: Console):
        self.console, self._start = console, time.monotonic()

    def chapter(self, text: str) -> None:
        self.console.print(f"\n[bold cyan]{text}[/]")

    def line(self, mark: str, text: str, style: str = "") -> None:
        at = time.monotonic() - self._start
        shown = f"[{style}]{text}[/]" if style else text
        self.console.print(f"[dim]{at:6.1f}s[/] {mark:9} {shown}", highlight=False)

    def on_call(self, event: Event) -> None:
        """One event of the call."""
        if event.kind == "agent":
            self.line("agent", event.text, "cyan")
        elif event.kind == "caller":
            self.line("caller", event.text, "white")
        elif event.kind == "result":
            took = f"{event.seconds * 1000:.0f} ms"
            self.line("  world", f"{event.text} in {took}", "dim")
        elif event.kind in ("identified", "escalate", "transfer", "ringing"):
            self.line(f"  {event.kind}", event.text, "dim")


def play(keep: bool, voice: str = "") -> int:
    """Play it, with sound where ``voice`` names how the caller sounds. Exit code 0 only if everything held."""
    console = Console(width=118)
    timeline = Timeline(console)
    try:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="credence-demo-")))
            stage = set_up(folder, free_port(), free_port(), free_port() if voice else 0)
            call = _with_sound(voice) if voice else _by_text
            checks = _play_or_tell(stage, stack, timeline, call)
            checks += _reach_out(stage, timeline)
            failed = _report(console, checks)
            if keep and not failed:
                _keep(console, stage)
            return 1 if failed else 0
    except (DidNotStart, Waited, CallFailed) as error:
        console.print(f"[bold red]The demo stopped:[/] {error}", highlight=False)
        return 1


def _play_or_tell(
    stage: Stage, stack: contextlib.ExitStack, timeline: Timeline, call: Calling
) -> list[Check]:
    """Play; where something did not happen, show the end of the logs before the folder goes."""
    try:
        return _play(stage, stack, timeline, call)
    except (Waited, CallFailed):
        for name in ("server", "voice"):
            file = stage.folder / f"{name}.log"
            log = file.read_text(errors="replace").splitlines()[-12:] if file.exists() else []
            timeline.console.print(Panel("\n".join(log), title=f"the log of {name}", border_style="red"))
        raise


def _reach_out(stage: Stage, timeline: Timeline) -> list[Check]:
    """The second act."""
    if missing_to_reach_out():
        timeline.line("campaign", "left out: credence[voice] is not installed", "yellow")
        return []
    timeline.chapter("5  Second act: five patients are reminded of their visits")
    return Outreach(stage, timeline.line).play()


def _play(stage: Stage, stack: contextlib.ExitStack, timeline: Timeline, call: Calling) -> list[Check]:
    world = World(stage)
    timeline.chapter("1  A flaky EHR is connected")
    _start(stage, stack, timeline)
    _sync(world, timeline)
    timeline.chapter("2  Maria calls; the EHR goes down while she is on the line")
    before = _booked(world)
    old = before[0]
    checks = call(stage, world, timeline)
    moved_to = _show_world(world, timeline, {one["id"] for one in before})
    checks += heard_checks(world, moved_to, old)
    timeline.chapter("3  After the call: what was heard is verified, the doubtful waits for an operator")
    checks.append(_review(world, timeline))
    timeline.chapter("4  Writeback through errors, cut connections and the outage")
    _writeback(world, timeline)
    return [*checks, *final_checks(world.ehr_writes(), moved_to, old["start"])]


def _start(stage: Stage, stack: contextlib.ExitStack, timeline: Timeline) -> None:
    stack.enter_context(running(ehr_arguments(stage), stage.folder / "ehr.log", f"{stage.ehr}/admin/state"))
    rates = ", ".join(f"{name.replace('_', ' ')} {rate}" for name, rate in FAULTS.items())
    timeline.line("ehr", f"up, and misbehaving: {rates}")
    arguments = ["serve", "--config", str(stage.config)]
    stack.enter_context(running(arguments, stage.folder / "server.log", f"{stage.server}/readyz"))
    timeline.line("credence", "up; takes the EHR's records in")


def _sync(world: World, timeline: Timeline) -> None:
    wanted = world.ehr_counts()
    with timeline.console.status("syncing"):
        wait_for(
            "every EHR record in the world",
            90,
            lambda: all(world.count(type) >= wanted.get(type, 0) for type in _SYNCED),
        )
    total = sum(wanted.values())
    timeline.line(
        "credence", f"{total} records in the world, each said by the EHR at confidence 1.0", "green"
    )


def _booked(world: World) -> list[dict[str, Any]]:
    """Maria's appointments, the next one first."""
    found = world.search(
        "Appointment", status="booked", **{"patient.phone": CALLER, "patient.given": "Maria"}
    )
    return sorted(found, key=lambda one: str(one["start"]))


def _goes_down(world: World, timeline: Timeline, seconds: float) -> None:
    world.ehr_faults(down=seconds)
    timeline.line("ehr", f"DOWN for {seconds:.0f} s", "bold red")


def _by_text(stage: Stage, world: World, timeline: Timeline) -> list[Check]:
    def on_event(event: Event) -> None:
        if event.kind == "identified":
            _goes_down(world, timeline, DOWN_SECONDS)
        timeline.on_call(event)

    with as_file(files("fhirserver.app.demo") / "caller.txt") as script:
        options = CallOptions(stage.server, stage.tokens["voice-agent"], CALLER, script, pace=0.3)
        record = asyncio.run(run_call(options, on_event))
    timeline.line(
        "call", f"{record.outcome}; {len(record.turns)} turns; transcript and summary stored", "green"
    )
    return []


def _with_sound(voice: str) -> Calling:
    """The call over the telephone, by a caller with this voice of espeak."""

    def call(stage: Stage, world: World, timeline: Timeline) -> list[Check]:
        conversation = Conversation(timeline.line, lambda: _goes_down(world, timeline, DOWN_SECONDS_SOUND))
        with answering(stage):
            figures = make_call(stage, CALLER, voice, conversation.told)
        kept = keep_recording(figures)
        show_figures(timeline.line, figures, conversation.felt, kept)
        stage.call = conversation.record
        return latency_checks(figures, conversation.felt)

    return call


def _show_world(world: World, timeline: Timeline, before: set[str]) -> str:
    """The new appointment holds in the world, whether the EHR knows of it yet or not."""
    made = [one for one in _booked(world) if one["id"] not in before]
    if len(made) != 1:
        raise Waited(f"one new appointment in the world; there are {len(made)}")
    moved_to = str(made[0]["start"])
    timeline.line(
        "world",
        f"new appointment {moved_to}, confidence {_confidence(made[0])}, {_source(made[0])}",
        "green",
    )
    return moved_to


def _source(resource: dict[str, Any]) -> str:
    return f"source {str(resource['meta'].get('source', '')).rpartition(':')[2]}"


def _confidence(resource: dict[str, Any]) -> str:
    return str(resource["meta"]["extension"][0]["valueDecimal"])


def _review(world: World, timeline: Timeline) -> Check:
    wait_for("the insurance in the review queue", 30, lambda: _coverage_item(world) is not None)
    table = Table(title="Review queue", title_justify="left", title_style="bold")
    for column in ("item", "claim", "confidence", "judge", "evidence"):
        table.add_column(column, overflow="fold")
    for item in world.review_items():
        for number, claim in enumerate(_claims(item)):
            quote = claim.get("quote", "")
            shown = item["focus"]["reference"].split("/")[0] if not number else ""
            table.add_row(
                shown, claim["unit"].split("[")[0], str(claim["confidence"]), claim.get("finding", ""), quote
            )
    timeline.console.print(table)
    waiting = _coverage_item(world)
    check = below_gate_before_approval(world.ehr_writes())
    if waiting is not None:
        world.approve(waiting["id"])
        timeline.line("operator", "approves the insurance: 0.5 becomes 0.95 and passes its gate", "green")
        timeline.line(
            "operator", "leaves the phone number for later: it stays at 0.5, in the queue", "yellow"
        )
    return check


def _coverage_item(world: World) -> dict[str, Any] | None:
    return next((t for t in world.review_items() if t["focus"]["reference"].startswith("Coverage/")), None)


def _claims(task: dict[str, Any]) -> list[dict[str, Any]]:
    """The claims of an item, flat."""
    claims = []
    for parameter in task["contained"][0]["parameter"]:
        flat: dict[str, Any] = {}
        for part in parameter["part"]:
            if part["name"] == "quote":
                inner = {one["name"]: next(v for k, v in one.items() if k != "name") for one in part["part"]}
                flat.setdefault("quote", f"turn {inner['turn']}: {inner['text']}")
            else:
                flat[part["name"]] = next(value for name, value in part.items() if name != "name")
        claims.append(flat)
    return claims


def _writeback(world: World, timeline: Timeline) -> None:
    def done() -> bool:
        tasks = world.writebacks()
        settled = [task for task in tasks if task["status"] in ("completed", "cancelled")]
        return len(tasks) >= 3 and len(settled) == len(tasks)

    with timeline.console.status("waiting for the EHR to receive everything"):
        seconds = wait_for("every writeback completed", 90, done, 0.5)
    for task in world.writebacks():
        output = task.get("output", [{}])[0].get("valueString", "")
        timeline.line("writeback", f"{task['description']} -> {output} ({task['status']})")
    timeline.line("ehr", f"has everything, {seconds:.1f} s after the approval", "green")


def _report(console: Console, checks: list[Check]) -> bool:
    """Show what was proven from the EHR's own log; True if something failed."""
    table = Table(
        title="Checked against the EHR's log of accepted writes and the carrier's of contacts",
        title_justify="left",
        title_style="bold",
    )
    for column in ("", "what had to hold", "seen"):
        table.add_column(column)
    for check in checks:
        table.add_row("[green]held[/]" if check.held else "[bold red]FAILED[/]", check.text, check.seen)
    console.print()
    console.print(table)
    return any(not check.held for check in checks)


def _keep(console: Console, stage: Stage) -> None:
    """Leave everything running until the user has seen enough."""
    call = [f"The call  {stage.server}/console/calls/{stage.call}"] if stage.call else []
    lines = [
        f"Console   {stage.server}/console   sign in with the admin token",
        *call,
        f"FHIR      {stage.server}/fhir/metadata",
        f"Token     {stage.tokens['admin']}",
        "",
        "Press Ctrl+C to stop; the data go with it.",
    ]
    console.print(Panel("\n".join(lines), title="Still running", border_style="cyan"))
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)
