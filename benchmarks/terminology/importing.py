"""The import that is measured, in a process of its own: ``python -m benchmarks.terminology.importing``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.terminology.__main__ import import_alone

if __name__ == "__main__":
    import_alone(Path(sys.argv[1]), Path(sys.argv[2]))
