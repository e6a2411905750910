"""Make the typed client of the platform API from its description: ``adapters/platform_client``.

``python scripts/make_client.py [FOLDER]``; the folder is replaced.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from fhirserver.rest.platform.routes import description

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "adapters" / "platform_client"
_SETTINGS = {
    "project_name_override": "platform_client",
    "package_name_override": "platform_client",
    "literal_enums": True,
    "post_hooks": ["ruff format --isolated --line-length 110 ."],
}
_BIN = Path(sys.executable).parent


def make(folder: Path) -> None:
    """Generate the client into ``folder``. Raises CalledProcessError where the generator refuses the description."""
    with tempfile.TemporaryDirectory() as place:
        described, settings = Path(place) / "openapi.json", Path(place) / "settings.json"
        described.write_text(json.dumps(description(version("credence"))))
        settings.write_text(json.dumps(_SETTINGS))
        made = Path(place) / "platform_client"
        command = [str(_BIN / "openapi-python-client"), "generate", "--path", str(described)]
        options = [
            "--meta",
            "none",
            "--config",
            str(settings),
            "--output-path",
            str(made),
            "--fail-on-warning",
        ]
        path = f"{_BIN}{os.pathsep}{os.environ.get('PATH', '')}"  # it calls ruff
        environment = {**os.environ, "PATH": path}
        subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL, env=environment)
        shutil.rmtree(made / ".ruff_cache", ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else CLIENT)
