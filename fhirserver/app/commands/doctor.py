"""``credence doctor``: is the configuration sound, and is there what it names?"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from fhirserver.app.checkup import machine
from fhirserver.app.checkup.finding import Finding, Grade, error, good, warning
from fhirserver.app.checkup.port import port
from fhirserver.app.checkup.terminology import terminology
from fhirserver.app.checkup.world import world
from fhirserver.app.commands.options import parser, settings
from fhirserver.app.settings import Settings
from fhirserver.app.speech_settings import LOCAL
from fhirserver.kernel.instants import SystemClock
from fhirserver.world.judge.agreement import RULES

_MARKS = {Grade.GOOD: "[green]✓[/]", Grade.WARNING: "[yellow]![/]", Grade.ERROR: "[red]✗[/]"}
_MODEL_SECONDS = 10.0
_UNTIL_TOLD = 1_000
"""Columns where the output is no terminal: a line stays one line."""


def run(arguments: list[str]) -> int:
    """Check, and say what to do about what is wrong. Exit 1 where there is an error, 0 with warnings."""
    text = "Check the configuration and what it names. The network is asked only where a key or a connector is set."
    chosen = settings(parser("doctor", text).parse_args(arguments))
    found = asyncio.run(_all(chosen))
    show(found)
    return int(any(finding.grade is Grade.ERROR for finding in found))


def show(found: Iterable[Finding]) -> None:
    """Print a table: how it is, and what to do next."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("", "what", "how it is", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in found:
        cells = (escape(text) for text in (finding.subject, finding.words, finding.todo))
        table.add_row(_MARKS[finding.grade], *cells)
    Console(width=None if sys.stdout.isatty() else _UNTIL_TOLD).print(table)


async def _all(chosen: Settings) -> list[Finding]:
    now = SystemClock().now()
    return [finding async for finding in _checks(chosen, now)]


async def _checks(chosen: Settings, now: datetime) -> AsyncIterator[Finding]:
    principals = f"{len(chosen.sources)} sources, {len(chosen.principals)} principals"
    yield good("settings", principals)
    yield machine.python()
    asks_local = LOCAL in chosen.speech.providers
    for finding in machine.extras(frozenset(("voice", "espeak")) if asks_local else frozenset()):
        yield finding
    for finding in port(chosen, now):
        yield finding
    async for finding in world(chosen, now):
        yield finding
    yield machine.local_speech(asks_local)
    for finding in await _speech_models(chosen, now):
        yield finding
    for finding in await _leading_model(chosen, now):
        yield finding
    yield await _judge(chosen, now)
    for finding in await terminology(chosen):
        yield finding
    from fhirserver.app.checkup.forms import forms

    for finding in forms(chosen):
        yield finding
    if chosen.telephony is not None:
        from fhirserver.app.checkup.telephone import telephone

        line = chosen.telephony
        for finding in telephone(line.auth_token, line.public_url, line.account_sid, line.number):
            yield finding


async def _speech_models(chosen: Settings, now: datetime) -> list[Finding]:
    """The models that hear and speak; nobody is asked where OpenAI is no provider."""
    if not chosen.speech.asks_openai:
        return []
    from fhirserver.app.checkup.models import models

    openai = chosen.speech.openai()
    asked = {
        "[openai] hear_model": openai.hear_model,
        "[openai] speak_model": openai.speak_model,
        "[openai] file_model": openai.file_model,
    }
    return await models(openai.client(), asked, now)


async def _leading_model(chosen: Settings, now: datetime) -> list[Finding]:
    """The model that leads calls, or may by ``credence call --brain llm``: where it is enabled or has a key file."""
    if not (chosen.llm.enabled or chosen.llm.key_file):
        return []
    from fhirserver.app.checkup.models import models

    try:
        client = chosen.llm.reach().client().with_options(timeout=_MODEL_SECONDS)
    except OSError as failure:
        return [error("[llm]", f"key_file cannot be read: {failure.strerror}", "check [llm] key_file")]
    return await models(client, {"[llm] model": chosen.llm.model}, now, "[llm] base_url")


async def _judge(chosen: Settings, now: datetime) -> Finding:
    """The language model that checks records; nobody is asked where the rules do it alone."""
    checks = chosen.verification
    if checks.agreement == RULES:
        return good("judge", "rules")
    from adapters.openai.models import model_state
    from fhirserver.app.wiring import model_settings

    answers, words = await model_state(model_settings(checks), now.date())
    words, _, todo = words.partition(": ")
    told = f"rules and {checks.model}, agreement '{checks.agreement}'; the model {words}"
    if not answers:
        return error("judge", told, todo)
    return warning("judge", told, todo) if todo else good("judge", told)
