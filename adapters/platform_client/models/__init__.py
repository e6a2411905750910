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
from .campaign_figures import CampaignFigures
from .campaign_figures_outcomes import CampaignFiguresOutcomes
from .campaign_report import CampaignReport
from .connector import Connector
from .connector_counts import ConnectorCounts
from .conversation_figures import ConversationFigures
from .conversation_report import ConversationReport
from .correction import Correction
from .correction_value import CorrectionValue
from .dead_letter import DeadLetter
from .decided import Decided
from .delivery import Delivery
from .discarded import Discarded
from .event import Event
from .event_type import EventType
from .event_types import EventTypes
from .export_rows_format import ExportRowsFormat
from .export_rows_table import ExportRowsTable
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
from .measured import Measured
from .new_call import NewCall
from .new_call_reason import NewCallReason
from .new_key import NewKey
from .new_key_role import NewKeyRole
from .new_webhook import NewWebhook
from .new_workspace import NewWorkspace
from .operator import Operator
from .operator_kind import OperatorKind
from .operator_presence import OperatorPresence
from .page_call_listed import PageCallListed
from .page_connector import PageConnector
from .page_dead_letter import PageDeadLetter
from .page_delivery import PageDelivery
from .page_event import PageEvent
from .page_key import PageKey
from .page_live_state import PageLiveState
from .page_operator import PageOperator
from .page_review_item import PageReviewItem
from .page_webhook_told import PageWebhookTold
from .page_workspace_told import PageWorkspaceTold
from .presence_stated import PresenceStated
from .presence_stated_state import PresenceStatedState
from .presence_told import PresenceTold
from .presence_told_state import PresenceToldState
from .problem import Problem
from .problem_errors_item import ProblemErrorsItem
from .queued import Queued
from .rejection import Rejection
from .replay_asked import ReplayAsked
from .report_conversations_by import ReportConversationsBy
from .report_writebacks_by import ReportWritebacksBy
from .review_counts import ReviewCounts
from .review_counts_counts import ReviewCountsCounts
from .review_counts_counts_additional_property import ReviewCountsCountsAdditionalProperty
from .review_counts_seconds_to_decision import ReviewCountsSecondsToDecision
from .review_item import ReviewItem
from .reviewer_counts import ReviewerCounts
from .reviewer_counts_decisions import ReviewerCountsDecisions
from .reviewer_counts_seconds_to_decision import ReviewerCountsSecondsToDecision
from .rotation import Rotation
from .secret_rotation import SecretRotation
from .secret_shown import SecretShown
from .timeline import Timeline
from .undoing import Undoing
from .webhook_change import WebhookChange
from .webhook_change_status_type_0 import WebhookChangeStatusType0
from .webhook_shown import WebhookShown
from .webhook_shown_status import WebhookShownStatus
from .webhook_told import WebhookTold
from .webhook_told_status import WebhookToldStatus
from .workspace_change import WorkspaceChange
from .workspace_change_status_type_0 import WorkspaceChangeStatusType0
from .workspace_made import WorkspaceMade
from .workspace_made_status import WorkspaceMadeStatus
from .workspace_told import WorkspaceTold
from .workspace_told_status import WorkspaceToldStatus
from .writeback_figures import WritebackFigures
from .writeback_report import WritebackReport

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
    "CampaignFigures",
    "CampaignFiguresOutcomes",
    "CampaignReport",
    "Connector",
    "ConnectorCounts",
    "ConversationFigures",
    "ConversationReport",
    "Correction",
    "CorrectionValue",
    "DeadLetter",
    "Decided",
    "Delivery",
    "Discarded",
    "Event",
    "EventType",
    "EventTypes",
    "ExportRowsFormat",
    "ExportRowsTable",
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
    "Measured",
    "NewCall",
    "NewCallReason",
    "NewKey",
    "NewKeyRole",
    "NewWebhook",
    "NewWorkspace",
    "Operator",
    "OperatorKind",
    "OperatorPresence",
    "PageCallListed",
    "PageConnector",
    "PageDeadLetter",
    "PageDelivery",
    "PageEvent",
    "PageKey",
    "PageLiveState",
    "PageOperator",
    "PageReviewItem",
    "PageWebhookTold",
    "PageWorkspaceTold",
    "PresenceStated",
    "PresenceStatedState",
    "PresenceTold",
    "PresenceToldState",
    "Problem",
    "ProblemErrorsItem",
    "Queued",
    "Rejection",
    "ReplayAsked",
    "ReportConversationsBy",
    "ReportWritebacksBy",
    "ReviewCounts",
    "ReviewCountsCounts",
    "ReviewCountsCountsAdditionalProperty",
    "ReviewCountsSecondsToDecision",
    "ReviewerCounts",
    "ReviewerCountsDecisions",
    "ReviewerCountsSecondsToDecision",
    "ReviewItem",
    "Rotation",
    "SecretRotation",
    "SecretShown",
    "Timeline",
    "Undoing",
    "WebhookChange",
    "WebhookChangeStatusType0",
    "WebhookShown",
    "WebhookShownStatus",
    "WebhookTold",
    "WebhookToldStatus",
    "WorkspaceChange",
    "WorkspaceChangeStatusType0",
    "WorkspaceMade",
    "WorkspaceMadeStatus",
    "WorkspaceTold",
    "WorkspaceToldStatus",
    "WritebackFigures",
    "WritebackReport",
)
