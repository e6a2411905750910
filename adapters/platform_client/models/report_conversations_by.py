from typing import Literal

ReportConversationsBy = Literal["", "agent", "campaign", "channel", "day", "direction"]

REPORT_CONVERSATIONS_BY_VALUES: set[ReportConversationsBy] = {
    "",
    "agent",
    "campaign",
    "channel",
    "day",
    "direction",
}


def check_report_conversations_by(value: str) -> ReportConversationsBy:
    if value in REPORT_CONVERSATIONS_BY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REPORT_CONVERSATIONS_BY_VALUES!r}")
