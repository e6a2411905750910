from typing import Literal

CampaignDetailStatus = Literal["active", "draft", "retired"]

CAMPAIGN_DETAIL_STATUS_VALUES: set[CampaignDetailStatus] = {
    "active",
    "draft",
    "retired",
}


def check_campaign_detail_status(value: str) -> CampaignDetailStatus:
    if value in CAMPAIGN_DETAIL_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CAMPAIGN_DETAIL_STATUS_VALUES!r}")
