from typing import Literal

NewCampaignStatus = Literal["active", "draft", "retired"]

NEW_CAMPAIGN_STATUS_VALUES: set[NewCampaignStatus] = {
    "active",
    "draft",
    "retired",
}


def check_new_campaign_status(value: str) -> NewCampaignStatus:
    if value in NEW_CAMPAIGN_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {NEW_CAMPAIGN_STATUS_VALUES!r}")
