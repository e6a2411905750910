"""Contains all the data models used in inputs/outputs"""

from .all_decided import AllDecided
from .approval import Approval
from .call_action import CallAction
from .call_action_action import CallActionAction
from .call_action_disposition import CallActionDisposition
from .call_detail import CallDetail
from .call_detail_channel_type_0 import CallDetailChannelType0
from .call_detail_direction import CallDetailDirection
from .call_detail_status import CallDetailStatus
from .call_listed import CallListed
from .call_listed_channel_type_0 import CallListedChannelType0
from .call_listed_direction import CallListedDirection
from .call_listed_status import CallListedStatus
from .call_moment import CallMoment
from .call_ordered import CallOrdered
from .campaign_check import CampaignCheck
from .campaign_checked import CampaignChecked
from .campaign_checked_document import CampaignCheckedDocument
from .campaign_defined import CampaignDefined
from .campaign_defined_document import CampaignDefinedDocument
from .campaign_defined_status import CampaignDefinedStatus
from .campaign_detail import CampaignDetail
from .campaign_detail_document import CampaignDetailDocument
from .campaign_detail_status import CampaignDetailStatus
from .campaign_listed import CampaignListed
from .campaign_listed_status import CampaignListedStatus
from .campaign_member import CampaignMember
from .campaign_problem import CampaignProblem
from .campaign_progress import CampaignProgress
from .campaign_progress_channels import CampaignProgressChannels
from .campaign_progress_channels_additional_property import CampaignProgressChannelsAdditionalProperty
from .campaign_progress_states import CampaignProgressStates
from .campaign_rehearsal import CampaignRehearsal
from .campaign_rehearsal_counts import CampaignRehearsalCounts
from .campaign_rehearsed import CampaignRehearsed
from .campaign_run import CampaignRun
from .campaign_standing import CampaignStanding
from .campaign_started import CampaignStarted
from .connector import Connector
from .connector_counts import ConnectorCounts
from .correction import Correction
from .correction_value import CorrectionValue
from .dead_letter import DeadLetter
from .decided import Decided
from .discarded import Discarded
from .draft_rehearsed import DraftRehearsed
from .draft_rehearsed_document import DraftRehearsedDocument
from .items import Items
from .items_rejected import ItemsRejected
from .key import Key
from .key_change import KeyChange
from .key_role import KeyRole
from .key_shown import KeyShown
from .key_shown_role import KeyShownRole
from .letter_decided import LetterDecided
from .letters import Letters
from .letters_decided import LettersDecided
from .link import Link
from .list_calls_channel_type_0 import ListCallsChannelType0
from .list_calls_direction_type_0 import ListCallsDirectionType0
from .list_calls_status_type_0 import ListCallsStatusType0
from .list_campaigns_status import ListCampaignsStatus
from .list_review_items_order import ListReviewItemsOrder
from .list_review_items_priority_type_0 import ListReviewItemsPriorityType0
from .list_review_items_status_type_0_item import ListReviewItemsStatusType0Item
from .live_state import LiveState
from .me import Me
from .new_call import NewCall
from .new_call_reason import NewCallReason
from .new_campaign import NewCampaign
from .new_campaign_document import NewCampaignDocument
from .new_campaign_status import NewCampaignStatus
from .new_key import NewKey
from .new_key_role import NewKeyRole
from .operator import Operator
from .operator_kind import OperatorKind
from .operator_presence import OperatorPresence
from .page_call_listed import PageCallListed
from .page_campaign_listed import PageCampaignListed
from .page_campaign_member import PageCampaignMember
from .page_connector import PageConnector
from .page_dead_letter import PageDeadLetter
from .page_key import PageKey
from .page_live_state import PageLiveState
from .page_operator import PageOperator
from .page_review_item import PageReviewItem
from .patient_stopped import PatientStopped
from .person_foreseen import PersonForeseen
from .presence_stated import PresenceStated
from .presence_stated_state import PresenceStatedState
from .presence_told import PresenceTold
from .presence_told_state import PresenceToldState
from .problem import Problem
from .problem_errors_item import ProblemErrorsItem
from .rejection import Rejection
from .review_counts import ReviewCounts
from .review_counts_counts import ReviewCountsCounts
from .review_counts_counts_additional_property import ReviewCountsCountsAdditionalProperty
from .review_counts_seconds_to_decision import ReviewCountsSecondsToDecision
from .review_item import ReviewItem
from .reviewer_counts import ReviewerCounts
from .reviewer_counts_decisions import ReviewerCountsDecisions
from .reviewer_counts_seconds_to_decision import ReviewerCountsSecondsToDecision
from .rotation import Rotation
from .timeline import Timeline
from .undoing import Undoing

__all__ = (
    "AllDecided",
    "Approval",
    "CallAction",
    "CallActionAction",
    "CallActionDisposition",
    "CallDetail",
    "CallDetailChannelType0",
    "CallDetailDirection",
    "CallDetailStatus",
    "CallListed",
    "CallListedChannelType0",
    "CallListedDirection",
    "CallListedStatus",
    "CallMoment",
    "CallOrdered",
    "CampaignCheck",
    "CampaignChecked",
    "CampaignCheckedDocument",
    "CampaignDefined",
    "CampaignDefinedDocument",
    "CampaignDefinedStatus",
    "CampaignDetail",
    "CampaignDetailDocument",
    "CampaignDetailStatus",
    "CampaignListed",
    "CampaignListedStatus",
    "CampaignMember",
    "CampaignProblem",
    "CampaignProgress",
    "CampaignProgressChannels",
    "CampaignProgressChannelsAdditionalProperty",
    "CampaignProgressStates",
    "CampaignRehearsal",
    "CampaignRehearsalCounts",
    "CampaignRehearsed",
    "CampaignRun",
    "CampaignStanding",
    "CampaignStarted",
    "Connector",
    "ConnectorCounts",
    "Correction",
    "CorrectionValue",
    "DeadLetter",
    "Decided",
    "Discarded",
    "DraftRehearsed",
    "DraftRehearsedDocument",
    "Items",
    "ItemsRejected",
    "Key",
    "KeyChange",
    "KeyRole",
    "KeyShown",
    "KeyShownRole",
    "LetterDecided",
    "Letters",
    "LettersDecided",
    "Link",
    "ListCallsChannelType0",
    "ListCallsDirectionType0",
    "ListCallsStatusType0",
    "ListCampaignsStatus",
    "ListReviewItemsOrder",
    "ListReviewItemsPriorityType0",
    "ListReviewItemsStatusType0Item",
    "LiveState",
    "Me",
    "NewCall",
    "NewCallReason",
    "NewCampaign",
    "NewCampaignDocument",
    "NewCampaignStatus",
    "NewKey",
    "NewKeyRole",
    "Operator",
    "OperatorKind",
    "OperatorPresence",
    "PageCallListed",
    "PageCampaignListed",
    "PageCampaignMember",
    "PageConnector",
    "PageDeadLetter",
    "PageKey",
    "PageLiveState",
    "PageOperator",
    "PageReviewItem",
    "PatientStopped",
    "PersonForeseen",
    "PresenceStated",
    "PresenceStatedState",
    "PresenceTold",
    "PresenceToldState",
    "Problem",
    "ProblemErrorsItem",
    "Rejection",
    "ReviewCounts",
    "ReviewCountsCounts",
    "ReviewCountsCountsAdditionalProperty",
    "ReviewCountsSecondsToDecision",
    "ReviewerCounts",
    "ReviewerCountsDecisions",
    "ReviewerCountsSecondsToDecision",
    "ReviewItem",
    "Rotation",
    "Timeline",
    "Undoing",
)
