from typing import Literal

CampaignListedStatus = Literal["active", "draft", "retired"]

CAMPAIGN_LISTED_STATUS_VALUES: set[CampaignListedStatus] = {
    "active",
    "draft",
    "retired",
}


def check_campaign_listed_status(value: str) -> CampaignListedStatus:
    if value in CAMPAIGN_LISTED_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CAMPAIGN_LISTED_STATUS_VALUES!r}")
