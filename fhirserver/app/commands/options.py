"""What several commands take: the configuration file and what overrides it."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from fhirserver.app.drill_time import drill_problem
from fhirserver.app.settings import InvalidSettings, Settings, load_settings


def parser(name: str, text: str) -> argparse.ArgumentParser:
    """An argument parser with ``--config`` and ``--data``."""
    made = argparse.ArgumentParser(prog=f"credence {name}", description=text)
    default = os.environ.get("CREDENCE_CONFIG", "credence.toml")
    made.add_argument(
        "--config", type=Path, default=Path(default), help="the settings file (default: %(default)s)"
    )
    made.add_argument("--data", type=Path, help="folder of the SQLite database, instead of [storage] path")
    return made


def settings(options: argparse.Namespace) -> Settings:
    """The settings, with what the command line overrides. Exits with the reason where they are wrong."""
    try:
        loaded = load_settings(options.config)
    except InvalidSettings as error:
        print(f"credence: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    if options.data is not None:
        loaded = replace(loaded, storage="sqlite", path=options.data / "credence.db")
    for name in ("host", "port", "workers"):
        if getattr(options, name, None) is not None:
            loaded = replace(loaded, **{name: getattr(options, name)})
    if problem := drill_problem(loaded):
        print(f"credence: {problem}", file=sys.stderr)
        raise SystemExit(2)
    return loaded
