"""What is built in costs nothing at the start, and under 60 MB when all of it has been used."""

from __future__ import annotations

import subprocess
import sys

import pytest

_USE_ALL = """
import sys
from pathlib import Path

def megabytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

import fhirserver.app.wiring
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.definitions import definitions
from fhirserver.model.ucum.table import table
from terminology.built_in import built_in, built_in_urls
from terminology.grammars.subtags import registry
from terminology.service import TerminologyService

service = TerminologyService(limit=10_000)
at_start = bool(definitions.cache_info().currsize and definitions()._archive), table.cache_info().currsize
at_start += (registry.cache_info().currsize,)
before = megabytes("VmRSS")
archive = definitions().archive
for entry in list(archive.entries("CodeSystem")):
    try:
        service.lookup(entry.url, "none")
    except Refusal:
        pass
expanded = 0
for entry in list(archive.entries("ValueSet")):
    try:
        expanded += service.expand(entry.url).total
    except Refusal:
        pass
for type in ("ConceptMap", "NamingSystem"):
    for entry in list(archive.entries(type)):
        archive.read(entry)
for url in built_in_urls():
    system = built_in(url)
    system.find("m"), list(system.search("zurich"))
print(expanded, megabytes("VmHWM") - before, *map(int, at_start))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_all_that_is_built_in_takes_under_60_megabytes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _USE_ALL], capture_output=True, text=True, timeout=300, check=True
    )
    expanded, grown, *read_at_start = map(float, done.stdout.split())
    assert read_at_start == [0, 0, 0]
    assert expanded > 40_000
    assert grown < 60
