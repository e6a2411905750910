from typing import Literal

ListCallsChannelType0 = Literal["chat", "phone", "sms"]

LIST_CALLS_CHANNEL_TYPE_0_VALUES: set[ListCallsChannelType0] = {
    "chat",
    "phone",
    "sms",
}


def check_list_calls_channel_type_0(value: str) -> ListCallsChannelType0:
    if value in LIST_CALLS_CHANNEL_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_CALLS_CHANNEL_TYPE_0_VALUES!r}")
