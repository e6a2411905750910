from typing import Literal

CampaignDefinedStatus = Literal["active", "draft", "retired"]

CAMPAIGN_DEFINED_STATUS_VALUES: set[CampaignDefinedStatus] = {
    "active",
    "draft",
    "retired",
}


def check_campaign_defined_status(value: str) -> CampaignDefinedStatus:
    if value in CAMPAIGN_DEFINED_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CAMPAIGN_DEFINED_STATUS_VALUES!r}")
