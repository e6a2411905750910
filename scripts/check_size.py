"""Report how much test there is for the code, how long its functions are, and which of its files are too long.

A report and no gate: the figures are for the reader (docs/architecture.md says what we aim at). Lines are
lines that are not blank; a function is counted from its ``def`` to its last line, docstring included.
``--longest N`` names the longest.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CODE = ("fhirserver", "adapters", "subscriptions", "agent", "terminology")
TESTS = ("tests",)
GENERATED = ROOT / "adapters" / "platform_client"
LONGEST_FILE = 400
"""Lines, blank ones too, that a file with one subject does with."""


@dataclass(frozen=True)
class Function:
    place: str
    name: str
    lines: int


def sources(folders: tuple[str, ...]) -> list[Path]:
    """The Python files under ``folders``, in order."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if not path.is_relative_to(GENERATED))


def line_count(path: Path) -> int:
    """How many lines of the file are not blank."""
    return sum(1 for line in path.read_text("utf-8").splitlines() if line.strip())


def functions(path: Path) -> Iterator[Function]:
    """Every function and method of the file, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            yield Function(f"{path.relative_to(ROOT)}:{node.lineno}", node.name, length)


def percentile(values: list[int], share: float) -> int:
    """The value that ``share`` of the sorted ``values`` do not exceed; 0 for none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0


def report(name: str, paths: list[Path]) -> tuple[int, list[Function]]:
    """Print one line about ``paths``; answer their lines and functions."""
    lines = sum(map(line_count, paths))
    found = [function for path in paths for function in functions(path)]
    lengths = sorted(function.lines for function in found)
    p50, p90 = percentile(lengths, 0.5), percentile(lengths, 0.9)
    longest = lengths[-1] if lengths else 0
    print(
        f"{name:<6} {len(paths):>4} files {lines:>6} lines {len(found):>5} functions: "
        f"p50 {p50}, p90 {p90}, longest {longest} lines"
    )
    return lines, found


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--longest", type=int, default=0, metavar="N", help="name the N longest functions")
    options = arguments.parse_args()
    code_lines, code_functions = report("code", sources(CODE))
    test_lines, _ = report("tests", sources(TESTS))
    print(f"tests ÷ code: {test_lines / max(code_lines, 1):.2f}")
    for path in sources(CODE):
        if (lines := len(path.read_text("utf-8").splitlines())) > LONGEST_FILE:
            print(f"  {lines:>4}  {path.relative_to(ROOT)}")
    for function in sorted(code_functions, key=lambda one: -one.lines)[: options.longest]:
        print(f"  {function.lines:>4}  {function.place}  {function.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
