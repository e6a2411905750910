"""How fast a call answers, measured from the stereo recordings of simulated callers with local speech.

``CALLS`` calls, ``AT_ONCE`` of them at a time, each by a patient of its own who moves an appointment, says an "uh-huh",
and interrupts. ``SLOW`` seconds are added to every FHIR search. Limits (exit 1 where one does not hold):

=================================================  =================
from ``start`` to the greeting's first frame       p95 100 ms
from where the caller stops to the agent's sound,  p50 300, p95 500 ms
beyond the end-of-turn wait (``[turns] end_wait``)
from an interruption to the agent's last frame     p95 200 ms
silence that is the agent's turn                   at most 2.5 s
=================================================  =================
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from agent.channels.script import parse
from agent.simulator.calls import CallResult, Ears, SimulatedCaller, make_calls, rehearse, runner
from agent.simulator.carrier import Line
from agent.simulator.person import Habits
from agent.speech.local.espeak import EspeakSynthesiser, EspeakVoice
from agent.turns.rules import Rules
from benchmarks import processor_time
from tests.server_process import ServerProcess, command, free_port

CALLS = int(os.environ.get("CALLS", "100"))
AT_ONCE = int(os.environ.get("AT_ONCE", "20"))
SLOW = float(os.environ.get("SLOW", "0"))
KEEP = os.environ.get("KEEP", "")
TWILIO = "the-token-of-the-benchmark"
START_SECONDS = 60.0
GIVEN = ("Maria", "David", "Susan", "Robert", "Linda", "James", "Karen", "Thomas", "Nancy", "Daniel")
FAMILY = (
    "Alvarez",
    "Miller",
    "Johnson",
    "Baker",
    "Carter",
    "Turner",
    "Parker",
    "Collins",
    "Morgan",
    "Cooper",
)
VOICES = ("en-us+m3", "en-us+f2", "en-us+m6", "en-us+f5", "en-us+m7")
SCRIPT = """\
[uh-huh]
I need to move my appointment
name and (your )?date of birth => My name is {name}, born march third nineteen eighty two
name and (your )?date of birth => {name}, march third nineteen eighty two
(full|your|last) name => {name}
birth => march third nineteen eighty two
birth => the third of march nineteen eighty two
(day|time).*(suit|like|work) => [interrupt 1.2] next week in the morning please
(day|time|when) => next week in the morning
which (one|would|of) => the first one
(go ahead|shall i|is that right|correct) => yes please
would (that|one).* => yes
anything else => no that's all thank you
how can i help => I need to move my appointment
. => yes
[hangup]
"""


def name_of(number: int) -> tuple[str, str]:
    return GIVEN[number % len(GIVEN)], FAMILY[number // len(GIVEN) % len(FAMILY)]


def phone_of(number: int) -> str:
    return f"+1412555{number:04d}"


def practice(count: int) -> list[dict[str, Any]]:
    """Patients with an appointment each, and a fortnight of free slots with one practitioner."""
    tomorrow = datetime.now(UTC).replace(hour=14, minute=0, second=0, microsecond=0) + timedelta(days=2)
    out: list[dict[str, Any]] = [
        {"resourceType": "Practitioner", "id": "lane", "name": [{"family": "Lane", "given": ["Ada"]}]},
        {"resourceType": "Schedule", "id": "lane", "active": True,
         "actor": [{"reference": "Practitioner/lane", "display": "Dr. Ada Lane"}]},
    ]  # fmt: skip
    for n in range(count):
        given, family = name_of(n)
        out.append({"resourceType": "Patient", "id": f"p{n}", "birthDate": "1982-03-03",
                    "name": [{"use": "official", "family": family, "given": [given]}],
                    "telecom": [{"system": "phone", "value": phone_of(n), "use": "home"}]})  # fmt: skip
        start = tomorrow + timedelta(minutes=n % 6)
        out.append({"resourceType": "Appointment", "id": f"a{n}", "status": "booked",
                    "start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat(),
                    "participant": [{"actor": {"reference": f"Patient/p{n}"}, "status": "accepted"},
                                    {"actor": {"reference": "Practitioner/lane", "display": "Dr. Ada Lane"},
                                     "status": "accepted"}]})  # fmt: skip
    slots = 0
    day = tomorrow.replace(hour=13)
    while slots < count * 3 + 200:
        day += timedelta(days=1)
        for half in range(16):
            start = day + timedelta(minutes=30 * half)
            out.append({"resourceType": "Slot", "id": f"s{slots}", "status": "free",
                        "schedule": {"reference": "Schedule/lane"}, "start": start.isoformat(),
                        "end": (start + timedelta(minutes=30)).isoformat()})  # fmt: skip
            slots += 1
    return out


def load(server: ServerProcess, resources: Sequence[dict[str, Any]]) -> None:
    """Put them there, a hundred in a transaction."""
    with httpx.Client(headers=server.headers, timeout=60, trust_env=False) as client:
        for start in range(0, len(resources), 100):
            entry = [
                {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}}
                for r in resources[start : start + 100]
            ]
            body = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
            answer = client.post(server.base, json=body)
            if answer.status_code != 200:
                raise SystemExit(f"the practice could not be loaded: {answer.text[:500]}")


@contextlib.contextmanager
def process(arguments: list[str], log: Path, ready: str = "") -> Iterator[int]:
    """A process with its output in ``log``, and its id; waits until ``ready`` answers."""
    with log.open("wb") as out:
        running = subprocess.Popen(arguments, stdout=out, stderr=out)
    try:
        _wait(ready, running, log)
        yield running.pid
    finally:
        running.terminate()
        running.wait(30)


def _wait(url: str, running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while url:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=2):
            return
        if running.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def settings(folder: Path, voice_port: int, fhir: str) -> str:
    (folder / "twilio").write_text(TWILIO)
    return f"""
[voice]
port = {voice_port}
fhir_url = "{fhir}"
token_file = "agent"
practice = "the clinic"

[telephony]
public_url = "http://127.0.0.1:{voice_port}"
auth_token_file = "twilio"
"""


async def calls(folder: Path, voice_port: int, token: str, processes: dict[str, int]) -> list[CallResult]:
    """All calls, so many at a time, by callers who know their lines; prints what each process has used."""
    shapes = [EspeakVoice(name, 150 + 5 * i, 40 + 5 * i) for i, name in enumerate(VOICES)]
    voices = [EspeakSynthesiser(shape, remember=len(SCRIPT.splitlines()) * CALLS) for shape in shapes]
    try:
        callers = [caller(n, voices[n % len(voices)]) for n in range(CALLS)]
        await rehearse(callers)
        before = processor_time.spent(processes)
        results = await in_groups(callers, f"http://127.0.0.1:{voice_port}", token, folder)
        Console().print(processor_time.table(before, processor_time.spent(processes)))
    finally:
        for voice in voices:
            await voice.close()
    return results


def caller(number: int, voice: EspeakSynthesiser) -> SimulatedCaller:
    steps = parse(SCRIPT.format(name=" ".join(name_of(number))).splitlines())
    return SimulatedCaller(phone_of(number), steps, voice, habits=Habits())


async def in_groups(
    callers: Sequence[SimulatedCaller], base: str, token: str, folder: Path
) -> list[CallResult]:
    """``AT_ONCE`` of them at a time."""
    line, ears = Line(f"{base}/telephony/voice", TWILIO, base), Ears(base, token)
    console, results = Console(stderr=True), list[CallResult]()
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("calls", total=len(callers))
        for start in range(0, len(callers), AT_ONCE):
            group = callers[start : start + AT_ONCE]
            results += await make_calls(line, group, ears, folder, 0.25, lambda _: progress.advance(bar))
    return results


def report(results: Sequence[CallResult]) -> bool:
    """Print the figures; True where all limits hold."""
    wait = Rules().end_wait
    greetings = [r.latencies.greeting for r in results if r.latencies.greeting is not None]
    replies = [reply - wait for r in results for reply in r.latencies.replies]
    stops = [b for r in results for b in r.latencies.barge_ins]
    silences = [r.latencies.longest_silence for r in results]
    lines = [
        ("start → greeting, p95", _at(greetings, 95), 0.1, len(greetings)),
        ("caller stops → agent, beyond the wait, p50", _at(replies, 50), 0.3, len(replies)),
        ("caller stops → agent, beyond the wait, p95", _at(replies, 95), 0.5, len(replies)),
        ("interruption → agent's last frame, p95", _at(stops, 95), 0.2, len(stops)),
        ("longest silence of the agent's", max(silences, default=0.0), 2.5, len(silences)),
    ]
    table = Table(title=f"{len(results)} calls, {AT_ONCE} at once, searches {SLOW:g} s slower")
    for heading in ("", "seen (ms)", "limit (ms)", "of", ""):
        table.add_column(heading, justify="left" if not heading else "right")
    for text, seen, limit, count in lines:
        held = count > 0 and seen <= limit
        mark = "[green]held[/]" if held else "[bold red]MISSED[/]"
        table.add_row(text, f"{seen * 1000:.0f}", f"{limit * 1000:.0f}", str(count), mark)
    Console().print(table)
    troubled = [r.as_json()["trouble"] for r in results if r.as_json()["trouble"]]
    late = max((r.latest for r in results), default=0.0)
    Console().print(
        f"calls with trouble: {len(troubled)} {troubled[:3]}; the simulator was late by {late * 1000:.0f} ms"
    )
    return not troubled and all(count > 0 and seen <= limit for _, seen, limit, count in lines)


def _at(values: Sequence[float], share: float) -> float:
    return float(np.percentile(values, share)) if values else 0.0


def main() -> int:
    """Start everything, make the calls, print the figures."""
    with tempfile.TemporaryDirectory(prefix="credence-calls-") as temporary:
        folder = Path(KEEP or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        voice_port, proxy_port, port = free_port(), free_port(), free_port()
        fhir = f"http://127.0.0.1:{proxy_port if SLOW else port}/fhir"
        server = ServerProcess(folder, port=port, settings=settings(folder, voice_port, fhir))
        with contextlib.ExitStack() as stack:
            stack.enter_context(server)
            (folder / "agent").write_text(server.tokens["voice-agent"])
            load(server, practice(CALLS))
            if SLOW:
                target = f"http://127.0.0.1:{port}"
                proxy = [sys.executable, "-m", "benchmarks.slow_proxy", str(proxy_port), target, str(SLOW)]
                stack.enter_context(process(proxy, folder / "proxy.log"))
            voice = [*command(), "voice", "--config", str(server.config), "--data", str(server.data)]
            ready = f"http://127.0.0.1:{voice_port}/readyz"
            telephone = stack.enter_context(process(voice, folder / "voice.log", ready))
            processes = {"the telephone": telephone, "the server": server.pid, "the callers": os.getpid()}
            with runner() as loop:
                made = calls(folder / "recordings", voice_port, server.tokens["admin"], processes)
                results = loop.run(made)
    return 0 if report(results) else 1


if __name__ == "__main__":
    sys.exit(main())
