from typing import Literal

CallDetailChannelType0 = Literal["chat", "phone", "sms"]

CALL_DETAIL_CHANNEL_TYPE_0_VALUES: set[CallDetailChannelType0] = {
    "chat",
    "phone",
    "sms",
}


def check_call_detail_channel_type_0(value: str) -> CallDetailChannelType0:
    if value in CALL_DETAIL_CHANNEL_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CALL_DETAIL_CHANNEL_TYPE_0_VALUES!r}")
