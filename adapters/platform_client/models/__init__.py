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
from .connector import Connector
from .connector_counts import ConnectorCounts
from .correction import Correction
from .correction_value import CorrectionValue
from .dead_letter import DeadLetter
from .decided import Decided
from .discarded import Discarded
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
from .list_review_items_order import ListReviewItemsOrder
from .list_review_items_priority_type_0 import ListReviewItemsPriorityType0
from .list_review_items_status_type_0_item import ListReviewItemsStatusType0Item
from .live_state import LiveState
from .me import Me
from .new_call import NewCall
from .new_call_reason import NewCallReason
from .new_key import NewKey
from .new_key_role import NewKeyRole
from .operator import Operator
from .operator_kind import OperatorKind
from .operator_presence import OperatorPresence
from .page_call_listed import PageCallListed
from .page_connector import PageConnector
from .page_dead_letter import PageDeadLetter
from .page_key import PageKey
from .page_live_state import PageLiveState
from .page_operator import PageOperator
from .page_review_item import PageReviewItem
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
    "Connector",
    "ConnectorCounts",
    "Correction",
    "CorrectionValue",
    "DeadLetter",
    "Decided",
    "Discarded",
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
    "ListReviewItemsOrder",
    "ListReviewItemsPriorityType0",
    "ListReviewItemsStatusType0Item",
    "LiveState",
    "Me",
    "NewCall",
    "NewCallReason",
    "NewKey",
    "NewKeyRole",
    "Operator",
    "OperatorKind",
    "OperatorPresence",
    "PageCallListed",
    "PageConnector",
    "PageDeadLetter",
    "PageKey",
    "PageLiveState",
    "PageOperator",
    "PageReviewItem",
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
