from typing import Literal

WebhookToldStatus = Literal["active", "disabled", "paused"]

WEBHOOK_TOLD_STATUS_VALUES: set[WebhookToldStatus] = {
    "active",
    "disabled",
    "paused",
}


def check_webhook_told_status(value: str) -> WebhookToldStatus:
    if value in WEBHOOK_TOLD_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_TOLD_STATUS_VALUES!r}")
