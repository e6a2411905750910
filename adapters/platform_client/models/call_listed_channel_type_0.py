from typing import Literal

CallListedChannelType0 = Literal["chat", "phone", "sms"]

CALL_LISTED_CHANNEL_TYPE_0_VALUES: set[CallListedChannelType0] = {
    "chat",
    "phone",
    "sms",
}


def check_call_listed_channel_type_0(value: str) -> CallListedChannelType0:
    if value in CALL_LISTED_CHANNEL_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CALL_LISTED_CHANNEL_TYPE_0_VALUES!r}")
