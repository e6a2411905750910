"""The pages of docs/api: one for all that is registered, and their commands answer what they show.

In a page a block ``sh`` is run, and a block ``http`` after it shows the answer to its last ``curl``: the status, some
headers, some of the body. ``…`` stands for any text, and in a list for any further items.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fhirserver.interactions.all import full_registry
from fhirserver.operations.all import all_operations
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("api-pages")

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "docs" / "api"
PAGES = sorted(path.name for path in API.glob("*.md") if path.name != "README.md")
BASH, CURL = shutil.which("bash"), shutil.which("curl")
_BLOCK = re.compile(r"^```(sh|http)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PREAMBLE = """
set -eu
curl() { command curl -sgi "$@" | tee last; }
credence() { "$PYTHON" -c 'from fhirserver.app.cli import main; import sys; sys.exit(main())' "$@"; }
"""


def _index() -> ModuleType:
    place = ROOT / "scripts" / "write_api_index.py"
    spec = importlib.util.spec_from_file_location("write_api_index", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


index = _index()


@dataclass(frozen=True)
class Step:
    """Commands, and the answer shown to the last of them; empty where none is."""

    commands: str
    answer: str


def steps(text: str) -> Iterator[Step]:
    blocks = _BLOCK.findall(text)
    for number, (language, body) in enumerate(blocks):
        if language == "sh":
            after = blocks[number + 1] if number + 1 < len(blocks) else ("", "")
            yield Step(body, after[1] if after[0] == "http" else "")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    if BASH is None or CURL is None:
        pytest.skip("the pages need bash and curl")
    with ServerProcess(Path(tmp_path_factory.mktemp("api"))) as server:
        yield server


@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, running: ServerProcess, tmp_path: Path) -> None:
    told = list(steps((API / page).read_text("utf-8")))
    assert any(step.answer for step in told), "a page shows at least one answer"
    for number, answer in enumerate(_answers(told, running, tmp_path)):
        if told[number].answer:
            check(told[number].answer, answer)


def _answers(told: list[Step], server: ServerProcess, folder: Path) -> list[str]:
    """Run all commands in one shell; the answers to the last ``curl`` of each step."""
    script = _PREAMBLE + "\n".join(
        f"{step.commands}\ncp last {n} 2>/dev/null || touch {n}" for n, step in enumerate(told)
    )
    who = {"ehr": "ehr", "agent": "voice-agent", "operator": "admin"}
    tokens = {name: f"Authorization: Bearer {server.tokens[principal]}" for name, principal in who.items()}
    environment = {
        "FHIR": server.base,
        "json": "Content-Type: application/fhir+json",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
        **tokens,
    }
    assert BASH is not None
    ran = subprocess.run(
        [BASH, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return [(folder / str(number)).read_text("utf-8") for number in range(len(told))]


def check(shown: str, answer: str) -> None:
    """Fail where the answer is not what is shown of it."""
    head, _, body = shown.partition("\n\n")
    real_head, _, real_body = answer.replace("\r\n", "\n").partition("\n\n")
    status, *headers = head.strip().splitlines()
    real_status, *real_headers = real_head.splitlines()
    assert real_status.split()[1] == status.split()[1], answer
    sent = dict(line.lower().split(": ", 1) for line in real_headers if ": " in line)
    for header in headers:
        name, value = header.lower().split(": ", 1)
        assert fits(value, sent.get(name, "")), f"{header}: {sent.get(name)}"
    if body.strip().startswith("{"):
        assert not (wrong := differences(json.loads(body), json.loads(real_body), "")), wrong + real_body
    elif body.strip():
        assert fits(body.strip(), real_body.strip()), real_body


def fits(shown: str, real: str) -> bool:
    """Whether a text is what is shown, ``…`` being anything."""
    escaped = re.sub(r"([*?\[])", r"[\1]", shown)
    return fnmatchcase(real, escaped.replace("…", "*"))


def differences(shown: Any, real: Any, place: str) -> str:
    """What of the shown JSON is not in the real one; empty where all is."""
    if isinstance(shown, dict) and isinstance(real, dict):
        lacking = [f"{place}.{name} is not there; " for name in shown if name not in real]
        return "".join(lacking) + "".join(
            differences(shown[n], real[n], f"{place}.{n}") for n in shown if n in real
        )
    if isinstance(shown, list) and isinstance(real, list):
        more = shown[-1:] == ["…"]
        wanted = shown[:-1] if more else shown
        if len(wanted) > len(real) or (len(wanted) < len(real) and not more):
            return f"{place} has {len(real)} items; "
        return "".join(
            differences(a, b, f"{place}[{i}]") for i, (a, b) in enumerate(zip(wanted, real, strict=False))
        )
    same = fits(shown, real) if isinstance(shown, str) and isinstance(real, str) else shown == real
    return "" if same else f"{place} is {real!r}, not {shown!r}; "


def test_everything_registered_has_a_page() -> None:
    registry = full_registry(all_operations())
    assert index.pages(registry) - {*PAGES} == set(), "write docs/api/… and run scripts/write_api_index.py"


def test_every_page_is_about_something_registered() -> None:
    more = {*PAGES} - index.pages(full_registry(all_operations()))
    assert more == {"capabilities.md", "openapi.md", "search-contained.md"}


def test_the_table_is_that_of_the_registry() -> None:
    text = (API / "README.md").read_text("utf-8")
    assert text == index.written(text), "run scripts/write_api_index.py"


@pytest.mark.parametrize(
    ("shown", "answer"),
    [
        ("HTTP/1.1 200\n", "HTTP/1.1 404 Not Found\r\n\r\n"),
        ('HTTP/1.1 200\netag: W/"2"\n', 'HTTP/1.1 200 OK\r\netag: W/"1"\r\n\r\n'),
        ('HTTP/1.1 200\n\n{"a": {"b": 1}}', 'HTTP/1.1 200 OK\r\n\r\n{"a": {"b": 2}}'),
        ('HTTP/1.1 200\n\n{"a": [1]}', 'HTTP/1.1 200 OK\r\n\r\n{"a": [1, 2]}'),
        ('HTTP/1.1 200\n\n{"a": "x…z"}', 'HTTP/1.1 200 OK\r\n\r\n{"a": "xyy"}'),
        ("HTTP/1.1 200\n\n…<b/>…", "HTTP/1.1 200 OK\r\n\r\n<a></a>"),
    ],
)
def test_a_wrong_page_fails(shown: str, answer: str) -> None:
    with pytest.raises(AssertionError):
        check(shown, answer)


def test_a_right_page_passes() -> None:
    check(
        'HTTP/1.1 200\netag: W/…\n\n{"a": ["x[…]", "…"], "b": {}}',
        'HTTP/1.1 200 OK\r\nETag: W/"1"\r\n\r\n{"a": ["x[1]", "y"], "b": {"c": 1}}',
    )
