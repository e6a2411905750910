"""``credence call``: call the agent in a terminal."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fhirserver.app.llm_settings import NO_KEY, LlmSettings
from fhirserver.app.settings import InvalidSettings, load_settings

if TYPE_CHECKING:
    from agent.channels.terminal import CallOptions
    from agent.memory import Setting


def run(arguments: list[str]) -> int:
    """Make one call, typed or from a script, and show what became of it."""
    parser = argparse.ArgumentParser(
        prog="credence call",
        description="Call the agent in a terminal.",
        epilog="To have the agent call a patient by telephone: credence call-out.",
    )
    parser.add_argument("--server", default="http://127.0.0.1:8080", help="default: %(default)s")
    parser.add_argument("--token", default=os.environ.get("CREDENCE_TOKEN", ""), help="or CREDENCE_TOKEN")
    parser.add_argument(
        "--from", dest="caller", required=True, help="the caller's number, such as +15555550123"
    )
    parser.add_argument(
        "--zone", default="America/New_York", help="the practice's time zone (default: %(default)s)"
    )
    parser.add_argument(
        "--practice", default="the clinic", help="what the practice is called (default: %(default)s)"
    )
    parser.add_argument(
        "--agent",
        default="",
        metavar="ID",
        help="an agent that is in force on the server, in place of the above",
    )
    parser.add_argument(
        "--brain",
        choices=("policy", "llm"),
        default="policy",
        help="what leads the call: the dialogue policy, or a language model as [llm] of --config has it",
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("CREDENCE_CONFIG", "credence.toml")),
        help="the settings file, for --brain llm (default: %(default)s)",
    )
    parser.add_argument("--script", type=Path, help="a file of the caller's words, one line a turn")
    options = parser.parse_args(arguments)
    if not options.token:
        print(
            "credence call: give --token (the voice-agent's, which 'credence init' printed)", file=sys.stderr
        )
        return 2
    llm = None
    if options.brain == "llm":
        try:
            llm = load_settings(options.config).llm
        except InvalidSettings as error:
            print(f"credence call: {error}", file=sys.stderr)
            return 2
        if not llm.key():
            print(f"credence call: {NO_KEY}", file=sys.stderr)
            return 2
    return asyncio.run(_call(options, llm))


async def _call(options: argparse.Namespace, llm: LlmSettings | None) -> int:
    from rich.console import Console

    from agent.call import Event
    from agent.channels.terminal import CallOptions, run_call
    from agent.memory import Setting

    console = Console()

    def show(event: Event) -> None:
        if event.kind in ("agent", "caller") and options.script:
            console.print(f"[bold]{event.kind.title():7}[/] {event.text}", highlight=False)

    setting = Setting(practice=options.practice, zone=options.zone)
    call = CallOptions(options.server, options.token, options.caller, options.script, setting)
    if options.agent:
        setting = await _in_force(call, options.agent)
        if not setting.agent:
            print(f"credence call: no agent '{options.agent}' is in force", file=sys.stderr)
            return 2
        call = replace(call, setting=setting)
    if llm is None:
        record = await run_call(call, show)
    else:
        async with contextlib.aclosing(llm.language_model()) as model:
            brain = llm.brain(setting, call.clock.now())
            record = await run_call(replace(call, brain=brain, model=model), show)
    console.print(
        f"\n[dim]{record.outcome}; {record.communication}; written: {', '.join(record.written) or 'nothing'}[/]"
    )
    return 0


async def _in_force(call: CallOptions, agent: str) -> Setting:
    """The setting of an agent on the server; that of the options where it is not in force."""
    from agent.definition.loading import Definitions
    from agent.tools.client import FhirClient

    client = FhirClient(call.base, call.token)
    try:
        definitions = Definitions(client, call.setting)
        await definitions.refresh()
        return definitions.of(agent)
    finally:
        await client.close()
