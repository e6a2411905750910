"""Help is told without measuring anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import __main__ as bench


def test_help_tells_every_variable_that_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    read = set(re.findall(r'env(?:iron)?(?:\.get\(|\[)"([A-Z_]+)"', Path(bench.__file__).read_text()))
    assert {"URL", "OUT", "DATA"} <= read and all(name in told for name in read)


def test_other_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["--quick"])
    assert ended.value.code == 2 and "--quick" in capsys.readouterr().err
