"""A server imports the adapters of its connectors, and no others: each costs a good part of its start."""

import subprocess
import sys
from pathlib import Path

from fhirserver.app.commands.init import configuration

ADAPTERS = {
    *("adapters.fhir.ehr", "joserfc"),
    *("adapters.hl7v2", "hl7apy"),
    *("adapters.rest", "jsonschema", "jmespath", "yaml"),
}
CONNECTORS = """
[[connector]]
name = "clinic"
source = "ehr"
url = "https://ehr.example/fhir"

[[connector]]
name = "lab"
source = "ehr"
kind = "hl7v2"
listen = "127.0.0.1:2575"

[[connector]]
name = "practice"
source = "ehr"
kind = "rest"
mapping = "athenahealth"
options = ["practice=195900"]
"""
MAKE = """
import sys
from pathlib import Path
import fhirserver.app.serving
from fhirserver.app.settings import load_settings
from fhirserver.app.wiring import make_application
make_application(load_settings(Path(sys.argv[1])))
print(*sys.modules)
"""


def imported(folder: Path, connector: str) -> set[str]:
    """The modules of a process that has made a server with these settings, in which no request was answered yet."""
    text, _ = configuration()
    file = folder / "credence.toml"
    file.write_text(text + connector)
    made = subprocess.run([sys.executable, "-c", MAKE, str(file)], capture_output=True, text=True, check=True)
    return set(made.stdout.split())


def test_a_server_without_connectors_imports_no_adapter_and_no_library_of_one(tmp_path: Path) -> None:
    absent = ADAPTERS | {
        "adapters.openai",
        "openai",
        "pydantic.v1",
        "pymongo",
        *("opentelemetry.sdk", "opentelemetry.exporter"),
        "prometheus_client",
        "fastapi",
    }
    assert imported(tmp_path, "").intersection(absent) == set()


def test_a_server_imports_what_its_connectors_need_before_the_first_request(tmp_path: Path) -> None:
    assert imported(tmp_path, CONNECTORS) >= ADAPTERS


def test_a_server_that_plays_recordings_needs_nothing_that_makes_sound(tmp_path: Path) -> None:
    sound = {"numpy", "webrtcvad", "soxr", "pocketsphinx", "agent.voice.archive"}
    loaded = imported(tmp_path, '\n[voice]\nrecordings = "sound"\n')
    assert "agent.voice.kept" in loaded and loaded.intersection(sound) == set()
