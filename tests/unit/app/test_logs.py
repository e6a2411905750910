"""What stands in a log, and what never does."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from fhirserver.app.observing.logs import _TALKATIVE, access_line, configure
from fhirserver.app.observing.settings import LogSettings
from fhirserver.kernel.correlation import REQUEST

_SET = ("credence.hl7", *_TALKATIVE)
NAME = "Wilhelmina Testperson"


class Written:
    """What stands on standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]):
        self._capsys, self._text = capsys, ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """What is written to standard error; the logging of the tests comes back afterwards."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook
    levels = {name: logging.getLogger(name).level for name in _SET}
    yield Written(capsys)
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def lines(written: Written) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_json_has_one_object_per_line(written: Written) -> None:
    configure(LogSettings(format="json"), "serve-1")
    token = REQUEST.set("0a1b2c3d4e5f-000001")
    logging.getLogger("credence.runner").warning("%s: step failed\n(%s)", "clinic", "Timeout")
    REQUEST.reset(token)
    (line,) = lines(written)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert isinstance(line.pop("pid"), int)
    assert line == {
        "level": "warning",
        "logger": "credence.runner",
        "message": "clinic: step failed\n(Timeout)",
        "process": "serve-1",
        "request": "0a1b2c3d4e5f-000001",
    }


def test_text_is_one_line_without_what_terminals_act_on(written: Written) -> None:
    configure(LogSettings(), "serve")
    logging.getLogger("credence.runner").warning("one\ntwo \x1b[31m")
    assert re.fullmatch(r"\S+Z WARNING credence\.runner one\\ntwo \\x1b\[31m\n", written.getvalue()), (
        written.getvalue()
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_exceptions_leave_their_class_and_place_but_not_their_text(written: Written, form: str) -> None:
    configure(LogSettings(format=form), "serve")
    try:
        try:
            raise KeyError(NAME)
        except KeyError as error:
            raise ValueError(f"no {NAME}") from error
    except ValueError:
        logging.getLogger("credence.rest").exception("it failed")
    text = written.getvalue()
    assert re.search(r"ValueError at test_logs\.py:\d+; from KeyError at test_logs\.py:\d+", text)
    assert NAME not in text and "\n" not in text.rstrip()


async def test_a_task_that_nobody_waited_for_leaves_no_text_either(written: Written) -> None:
    configure(LogSettings(), "serve")

    async def fails() -> None:
        raise ValueError(NAME)

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    loop.call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": task.exception(), "future": task}
    )
    assert "never retrieved: ValueError at test_logs.py" in written.getvalue()
    assert NAME not in written.getvalue()


def test_what_ends_the_process_stands_in_the_log_without_its_text(written: Written) -> None:
    configure(LogSettings(format="json"), "serve")
    try:
        raise RuntimeError(NAME)
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (line,) = lines(written)
    assert line["level"] == "critical" and line["fault"].startswith("RuntimeError at test_logs.py:")
    assert NAME not in written.getvalue()


def test_levels_are_those_of_the_settings(written: Written) -> None:
    configure(LogSettings(level="warning", levels={"credence.hl7": "debug"}), "serve")
    logging.getLogger("credence.hl7").debug("told")
    logging.getLogger("credence.rest").info("not told")
    logging.getLogger("httpx").info("GET https://ehr.example/Patient?name=%s", NAME)
    assert written.getvalue().endswith("DEBUG credence.hl7 told\n") and written.getvalue().count("\n") == 1


def test_the_line_of_a_request(written: Written) -> None:
    configure(LogSettings(format="json"), "serve")
    access_line()("GET", "/fhir/Patient/{id}", 200, 0.00123)
    (line,) = lines(written)
    assert line["message"] == "GET /fhir/Patient/{id} 200 1.2 ms"
    told = {name: line[name] for name in ("method", "path", "status", "ms")}
    assert told == {"method": "GET", "path": "/fhir/Patient/{id}", "status": 200, "ms": 1.23}
