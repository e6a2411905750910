"""What a suite is: a name, where its material lies, and a function that tries it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Case = tuple[str, bool | None, str]
"""Name, whether it passed (None: skipped), and why not."""
Run = Callable[[Path], Iterable[Case]]


@dataclass(frozen=True, slots=True)
class Suite:
    """``material`` is a glob inside the corpus; the suite is left out where nothing matches it.

    ``run`` gets one match: a folder or an archive. It is called for each. ``absent`` is said where there is none.
    """

    name: str
    material: str
    run: Run
    absent: str = ""

    def found(self, corpus: Path) -> tuple[Path, ...]:
        """Where the material of this suite is."""
        return tuple(sorted(corpus.glob(self.material)))


@dataclass(frozen=True, slots=True)
class Result:
    """All cases of one suite."""

    suite: str
    cases: tuple[Case, ...]

    def counts(self) -> tuple[int, int, int]:
        """Passed, failed, skipped."""
        verdicts = [passed for _, passed, _ in self.cases]
        return verdicts.count(True), verdicts.count(False), verdicts.count(None)

    def failures(self) -> Iterator[tuple[str, str]]:
        """Name and reason of what failed."""
        return ((name, reason) for name, passed, reason in self.cases if passed is False)

    def as_json(self, known: dict[tuple[str, str], str]) -> dict[str, Any]:
        passed, failed, skipped = self.counts()
        failures = [
            {"name": name, "reason": reason, "known": known.get((self.suite, name))}
            for name, reason in self.failures()
        ]
        return {
            "suite": self.suite,
            "passed": passed,
            "failed": failed,
            "skipped": skipped,
            "failures": failures,
        }


def attempt(suite: Suite, material: Iterable[Path]) -> Result:
    """Run one suite to its end. A suite that breaks down is one more failed case, not the end of the run."""
    cases: list[Case] = []
    for path in material:
        try:
            cases.extend(suite.run(path))
        except Exception as error:  # A suite over foreign material may die of anything; the others go on.
            cases.append((f"({path.name})", False, f"broke down: {described(error)}"))
    return Result(suite.name, tuple(cases))


def described(error: Exception) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:2000]}"
