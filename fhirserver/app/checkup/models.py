"""OpenAI's models that the settings name: are they there, and until when? Asks ``/v1/models`` once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

from openai import APIError, AsyncOpenAI

from adapters.openai.models import WARN_DAYS, shutdown_day
from fhirserver.app.checkup.finding import Finding, error, good, warning
from fhirserver.app.checkup.machine import clock_and_other

Listed = Mapping[str, date | None]
"""The models there are, and the day each will be shut down."""


async def models(
    client: AsyncOpenAI, asked: Mapping[str, str], now: datetime, url: str = "[openai] url"
) -> list[Finding]:
    """``asked``: model ids by the settings that name them; ``url``: the setting of where. Closes the client."""
    try:
        listed, theirs = await _list(client)
    except APIError as failure:
        status = getattr(failure, "status_code", "")
        words = f"do not answer ({type(failure).__name__}{f' {status}' if status else ''})"
        return [error("OpenAI models", words, f"check {url} and the key, and the network")]
    finally:
        await client.close()
    skew = clock_and_other(now, theirs, "OpenAI") if theirs is not None else None
    found = [model(setting, id, listed, now.date()) for setting, id in asked.items()]
    return [*found, *([skew] if skew is not None else [])]


def model(setting: str, id: str, listed: Listed, today: date) -> Finding:
    """One model of the settings."""
    subject = f"model {id}"
    if id not in listed:
        return error(subject, "is not among the models of this key", f"choose another for {setting}")
    end = listed[id]
    if end is None:
        return good(subject, f"answers ({setting})")
    left = (end - today).days
    if left < 0:
        return error(subject, f"was to be shut down on {end}", f"choose another for {setting}")
    words = f"will be shut down on {end}: {left} days left"
    return (
        warning(subject, words, f"choose another for {setting}")
        if left <= WARN_DAYS
        else good(subject, words)
    )


async def _list(client: AsyncOpenAI) -> tuple[Listed, datetime | None]:
    answer = await client.models.with_raw_response.list()
    listed = {one.id: shutdown_day(one.shutdown_date) for one in answer.parse().data}
    return listed, _date(answer.headers.get("date", ""))


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except ValueError:
        return None
