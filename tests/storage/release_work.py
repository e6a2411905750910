"""An import that a process does which the tests kill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.terminology.material import concepts
from fhirserver.ports.terminology import Designation
from fhirserver.storage.sqlite.releases.folder import ReleaseFolder

URL = "http://example.org/s"
_SIZE = 3_000


def import_some(folder: Path, tell: Callable[[str], None]) -> None:
    """Some thousand concepts, from where the last import ended; each step is told."""
    writer = ReleaseFolder(folder).writer(URL, "1")
    done = writer.progress.get("file", 0)
    made = [*concepts(_SIZE)]
    for at, concept in enumerate(made[done:], done + 1):
        writer.concept(concept.code, concept.display)
        writer.designation(concept.code, Designation(concept.synonym))
        for parent in concept.parents:
            writer.parent(concept.code, made[parent].code)
        if at % 500 == 0:
            writer.checkpoint("file", at)
            tell("file")
    for step, _, _ in writer.finish({}):
        tell(step)
    writer.close()
