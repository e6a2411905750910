"""docs/smart.md is followed word for word: its commands, its keys, its app, in a folder and a browser of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.npm_packages import installed
from tests.server_process import free_port

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.xdist_group("smart")]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "smart.md"
BASH, CURL = shutil.which("bash"), shutil.which("curl")
_EHR = "### An EHR that launches apps"
_PACKAGES = ROOT / "tests" / "e2e" / "node"
_SECONDS = 60


class Reader:
    """Somebody who does what the page says, in one shell, with other ports."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._ports = {"8080": str(free_port()), "9000": str(free_port())}
        tools = folder / "bin"
        tools.mkdir()
        start = "from fhirserver.app.cli import main; import sys; sys.exit(main())"
        (tools / "credence").write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{start}' \"$@\"\n")
        (tools / "credence").chmod(0o755)
        self._environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
        }
        assert BASH is not None
        self._shell = subprocess.Popen(
            [BASH],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._tell("set -e; trap 'kill $(jobs -p) 2>/dev/null' EXIT")
        self.text = self.here(DOCS.read_text("utf-8"))

    def here(self, text: str) -> str:
        """A text with the ports of this reader."""
        for theirs, ours in self._ports.items():
            text = text.replace(theirs, ours)
        return text

    def section(self, begin: str, end: str) -> str:
        return self.text[self.text.index(begin) : self.text.index(end)]

    def type(self, text: str) -> str:
        """Every command of the console blocks; what the shell says."""
        blocks = "\n".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL))
        commands = [line[2:] for line in blocks.replace("\\\n", " ").splitlines() if line.startswith("$ ")]
        assert commands
        return self._tell("\n".join(commands))

    def _tell(self, commands: str) -> str:
        shell, end = self._shell, "-- that was all --"
        assert shell.stdin is not None and shell.stdout is not None
        shell.stdin.write(f"{commands}\necho; echo '{end}'\n")
        shell.stdin.flush()
        said = []
        for line in shell.stdout:
            if line.strip() == end:
                return "".join(said)
            said.append(line)
        raise AssertionError(f"the shell ended: {''.join(said)}")

    def python(self, number: int) -> str:
        """What a Python block of the page prints."""
        block = re.findall(r"```python\n(.*?)```", self.text, re.DOTALL)[number]
        done = subprocess.run(
            [sys.executable, "-c", block],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def close(self) -> None:
        assert self._shell.stdin is not None and self._shell.stdout is not None
        self._shell.stdin.close()
        self._shell.wait(_SECONDS)
        self._shell.stdout.close()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    if BASH is None or CURL is None:
        pytest.skip("the page needs bash and curl")
    made = Reader(tmp_path_factory.mktemp("page"))
    yield made
    made.close()


async def test_a_service_is_connected(reader: Reader) -> None:
    said = reader.type(reader.section("## Connect", "### A backend service"))
    assert '"token_endpoint"' in said and "OperationOutcome" not in said
    reader.python(0)
    assert "client_id=nightly" in reader.type(reader.section("### A backend service", "### An app"))
    assert reader.python(1) == "searchset\n"


async def test_an_app_is_connected(reader: Reader, browser: Browser) -> None:
    section = reader.section("### An app", _EHR)
    pages = re.findall(r"```html\n(.*?)```", section, re.DOTALL)
    for name, page in zip(("launch.html", "index.html"), pages, strict=True):
        (reader.folder / name).write_text(page)
    library = re.search(r"node_modules/[\w./-]+\.js", section)
    assert library is not None
    shutil.copy(installed(_PACKAGES) / library[0], reader.folder)
    said = reader.type(section)
    password = re.search(r"shown this once: (\S+)", said)
    assert "client_id=growth" in said and password is not None, said
    opened = re.search(r"http://\S+/launch\.html(?=`)", section)
    assert opened is not None
    await listening(opened[0])
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(opened[0])
    await page.get_by_label("Login").fill("dana")
    await page.get_by_label("Password").fill(password[1])
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Name, birth date or identifier").fill("moss")
    await page.get_by_role("button", name="Find").click()
    await page.get_by_role("button", name="Ida Moss").click()
    await allow(page)

    told = re.search(r'"url":"([^"]+)"', reader.type(reader.section(_EHR, "## How it decides")))
    assert told is not None
    await page.goto(told[1])
    await allow(page)
    await context.close()


async def listening(address: str) -> None:
    """What was started in the background is there."""
    where = urlsplit(address)
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection((where.hostname, where.port), 1):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"nobody listens at {where.netloc}")


async def allow(page: Page) -> None:
    """The app is allowed, and shows what the page says that it shows."""
    await page.get_by_role("button", name="Allow").click()
    await expect(page.locator("h1")).to_have_text("Ida Moss")
    await expect(page.locator("li")).to_have_text(["Body weight: 21 kg"])


async def test_the_rest_of_the_page_works(reader: Reader) -> None:
    assert "removed growth" in reader.type(reader.text[reader.text.index("## Who is registered") :])
