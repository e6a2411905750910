"""What the answer of a subscriber's HTTP server means for the delivery."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from subscriptions.channels.channel import Undeliverable

MOST_PATIENCE: Final = 24 * 3600.0
"""Seconds: a longer `Retry-After` is taken for this long."""
_LATER: Final = frozenset({408, 421, 423, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524})


def check(status: int, headers: Mapping[str, str], now: datetime) -> None:
    """Returns where the delivery was taken (2xx). Raises Undeliverable."""
    if 200 <= status < 300:
        return
    if status == 410:
        raise Undeliverable("the endpoint is gone (HTTP 410)", retryable=False, gone=True, status=status)
    if 300 <= status < 400:
        raise Undeliverable(
            f"it answered with a redirect (HTTP {status}), which is not followed",
            retryable=False,
            status=status,
        )
    after = retry_after(headers.get("retry-after", ""), now)
    raise Undeliverable(f"it answered HTTP {status}", retryable=status in _LATER, after=after, status=status)


def retry_after(value: str, now: datetime) -> float | None:
    """Seconds to wait by a `Retry-After` of seconds or a date; None where there is none that can be read.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MOST_PATIENCE)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), MOST_PATIENCE)
