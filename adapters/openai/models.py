"""Whether the configured model answers, and until when it will."""

from __future__ import annotations

from datetime import UTC, date, datetime

from openai import APIError

from adapters.openai.settings import ModelSettings

WARN_DAYS = 90


async def model_state(settings: ModelSettings, today: date) -> tuple[bool, str]:
    """Whether the model is there, and a sentence about it (``/v1/models``): its shut-down date where it has one."""
    client = settings.client()
    try:
        model = await client.models.retrieve(settings.model)
    except APIError as error:
        return (
            False,
            f"does not answer ({type(error).__name__}): check [verification] model, model_url and the key",
        )
    finally:
        await client.close()
    end = shutdown_day(
        (model.model_extra or {}).get("shutdown_date") or getattr(model, "shutdown_date", None)
    )
    if end is None:
        return True, "answers"
    left = (end - today).days
    if left < 0:
        return False, f"answers, but was to be shut down on {end}: choose another [verification] model"
    warning = f": choose another [verification] model within {left} days" if left <= WARN_DAYS else ""
    return True, f"answers; it will be shut down on {end}{warning}"


def shutdown_day(said: object) -> date | None:
    """A ``shutdown_date`` as a day: a date or an instant in ISO form, or seconds since 1970; else None."""
    if isinstance(said, int | float):
        return datetime.fromtimestamp(said, UTC).date()
    try:
        return date.fromisoformat(str(said)[:10]) if said else None
    except ValueError:
        return None
