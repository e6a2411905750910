from typing import Literal

WebhookShownStatus = Literal["active", "disabled", "paused"]

WEBHOOK_SHOWN_STATUS_VALUES: set[WebhookShownStatus] = {
    "active",
    "disabled",
    "paused",
}


def check_webhook_shown_status(value: str) -> WebhookShownStatus:
    if value in WEBHOOK_SHOWN_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_SHOWN_STATUS_VALUES!r}")
