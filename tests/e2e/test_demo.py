"""``credence demo``: the whole story holds, by text and with sound."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from agent.audio import wav
from tests.server_process import command


async def demo(folder: Path, *options: str) -> tuple[int, str]:
    """Play it in ``folder``; its exit code and what it shows."""
    process = await asyncio.create_subprocess_exec(
        *command(), "demo", *options, cwd=folder, env={**os.environ, "COLUMNS": "118"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 400)
    return process.returncode or 0, out.decode()


async def test_the_demo_by_text_holds(tmp_path: Path) -> None:
    code, shown = await demo(tmp_path, "--text")
    assert code == 0, shown
    assert "FAILED" not in shown and "The approved insurance was written once" in shown


@pytest.mark.slow
async def test_the_demo_with_sound_holds_and_leaves_a_recording(tmp_path: Path) -> None:
    code, shown = await demo(tmp_path)
    assert code == 0, shown
    assert "The voice was heard to become upset" in shown
    caller, agent = wav.read_channels(tmp_path / "var" / "demo-call.wav")
    assert len(caller) == len(agent) > 8_000 * 60
