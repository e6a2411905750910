"""Write the table of docs/api/README.md: every interaction and operation of the registry, and its page.

``--check`` writes nothing and exits 1 where the table is not what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from fhirserver.interactions.all import full_registry
from fhirserver.interactions.openapi.document import PATHS
from fhirserver.interactions.registry import Registry
from fhirserver.operations.all import all_operations

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "api"
BEGIN, END = "<!-- the registry, by scripts/write_api_index.py -->", "<!-- end -->"


def pages(registry: Registry) -> set[str]:
    """The pages that there have to be: one per interaction, one per name of an operation."""
    codes = {code for one in registry.interactions for code in one.code.split()}
    return {f"{code}.md" for code in codes} | {f"operation-{one.name}.md" for one in registry.operations}


def table(registry: Registry) -> str:
    """The table as Markdown."""
    rows = [*_interactions(registry), *_operations(registry)]
    return "\n".join(["| page | request | role |", "|---|---|---|", *dict.fromkeys(rows)])


def _interactions(registry: Registry) -> Iterator[str]:
    for one in registry.interactions:
        path = PATHS[one.level].replace("{", "[").replace("}", "]").replace("[vid]", "[version]")
        for code in one.code.split():
            role = "of each entry" if code in ("transaction", "batch") else one.role
            yield f"| [{code}]({code}.md) | `{one.method} [base]{path.rstrip('/')}` | {role} |"


def _operations(registry: Registry) -> Iterator[str]:
    for one in registry.operations:
        kinds = "[type]" if "*" in one.types else ", ".join(one.types)
        at = ", ".join(_place(level, kinds) for level in one.levels)
        methods = "POST" if one.affects_state else "GET, POST"
        yield f"| [${one.name}](operation-{one.name}.md) | `{methods}` on {at} | {one.role} |"


def _place(level: str, kinds: str) -> str:
    return "the system" if level == "system" else f"{kinds} ({level})"


def written(text: str) -> str:
    """The document with the table as it should be."""
    before, rest = text.split(BEGIN)
    registry = full_registry(all_operations())
    return f"{before}{BEGIN}\n\n{table(registry)}\n\n{END}{rest.split(END)[1]}"


def main() -> int:
    index = FOLDER / "README.md"
    text = index.read_text("utf-8")
    if "--check" in sys.argv:
        return int(text != written(text))
    index.write_text(written(text), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
