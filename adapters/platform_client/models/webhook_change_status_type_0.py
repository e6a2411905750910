from typing import Literal

WebhookChangeStatusType0 = Literal["active", "paused"]

WEBHOOK_CHANGE_STATUS_TYPE_0_VALUES: set[WebhookChangeStatusType0] = {
    "active",
    "paused",
}


def check_webhook_change_status_type_0(value: str) -> WebhookChangeStatusType0:
    if value in WEBHOOK_CHANGE_STATUS_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_CHANGE_STATUS_TYPE_0_VALUES!r}")
