"""Contains all the data models used in inputs/outputs"""

from .agent import Agent
from .agent_schema_response_agent_schema import AgentSchemaResponseAgentSchema
from .agent_status import AgentStatus
from .all_decided import AllDecided
from .answering import Answering
from .approval import Approval
from .block_overlap import BlockOverlap
from .block_overlap_by_item import BlockOverlapByItem
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
from .change import Change
from .checked import Checked
from .checked_document_type_0 import CheckedDocumentType0
from .comparison import Comparison
from .concurrent_start_block import ConcurrentStartBlock
from .concurrent_start_block_per import ConcurrentStartBlockPer
from .connector import Connector
from .connector_counts import ConnectorCounts
from .correction import Correction
from .correction_value import CorrectionValue
from .dead_letter import DeadLetter
from .decided import Decided
from .difference_told import DifferenceTold
from .difference_told_kind import DifferenceToldKind
from .discarded import Discarded
from .drafted import Drafted
from .drafted_document import DraftedDocument
from .duration import Duration
from .exceptional_hours import ExceptionalHours
from .explained import Explained
from .explained_counts import ExplainedCounts
from .fault_told import FaultTold
from .fault_told_severity import FaultToldSeverity
from .graph_told import GraphTold
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
from .new_agent import NewAgent
from .new_agent_document import NewAgentDocument
from .new_call import NewCall
from .new_call_reason import NewCallReason
from .new_key import NewKey
from .new_key_role import NewKeyRole
from .new_number import NewNumber
from .new_rules import NewRules
from .new_service import NewService
from .new_service_document import NewServiceDocument
from .new_workspace import NewWorkspace
from .number_told import NumberTold
from .open_hours import OpenHours
from .operator import Operator
from .operator_kind import OperatorKind
from .operator_presence import OperatorPresence
from .page_agent import PageAgent
from .page_call_listed import PageCallListed
from .page_change import PageChange
from .page_connector import PageConnector
from .page_dead_letter import PageDeadLetter
from .page_key import PageKey
from .page_live_state import PageLiveState
from .page_number_told import PageNumberTold
from .page_operator import PageOperator
from .page_review_item import PageReviewItem
from .page_rules_listed import PageRulesListed
from .page_scenario import PageScenario
from .page_service_told import PageServiceTold
from .page_version_told import PageVersionTold
from .page_workspace_told import PageWorkspaceTold
from .patient_kind import PatientKind
from .patient_kind_days_item import PatientKindDaysItem
from .patient_kind_patients import PatientKindPatients
from .patient_limit import PatientLimit
from .played import Played
from .presence_stated import PresenceStated
from .presence_stated_state import PresenceStatedState
from .presence_told import PresenceTold
from .presence_told_state import PresenceToldState
from .problem import Problem
from .problem_errors_item import ProblemErrorsItem
from .publication import Publication
from .question import Question
from .rehearsal import Rehearsal
from .rehearsal_document_type_0 import RehearsalDocumentType0
from .rehearsed import Rehearsed
from .rejection import Rejection
from .release import Release
from .release_days_item import ReleaseDaysItem
from .removed import Removed
from .renamed import Renamed
from .review_counts import ReviewCounts
from .review_counts_counts import ReviewCountsCounts
from .review_counts_counts_additional_property import ReviewCountsCountsAdditionalProperty
from .review_counts_seconds_to_decision import ReviewCountsSecondsToDecision
from .review_item import ReviewItem
from .reviewer_counts import ReviewerCounts
from .reviewer_counts_decisions import ReviewerCountsDecisions
from .reviewer_counts_seconds_to_decision import ReviewerCountsSecondsToDecision
from .rolling_days import RollingDays
from .rotation import Rotation
from .rules import Rules
from .rules_listed import RulesListed
from .scenario import Scenario
from .scheduling_rules import SchedulingRules
from .sent_document import SentDocument
from .sent_document_document import SentDocumentDocument
from .sent_rules import SentRules
from .sent_service import SentService
from .sent_service_document import SentServiceDocument
from .service_told import ServiceTold
from .service_told_document import ServiceToldDocument
from .session_grid import SessionGrid
from .session_grid_days_item import SessionGridDaysItem
from .slot_explained import SlotExplained
from .state_told import StateTold
from .state_told_kind import StateToldKind
from .timeline import Timeline
from .undoing import Undoing
from .validation import Validation
from .version_shown import VersionShown
from .version_shown_document import VersionShownDocument
from .version_told import VersionTold
from .weekly_hours import WeeklyHours
from .weekly_hours_days_item import WeeklyHoursDaysItem
from .workspace_change import WorkspaceChange
from .workspace_change_status_type_0 import WorkspaceChangeStatusType0
from .workspace_made import WorkspaceMade
from .workspace_made_status import WorkspaceMadeStatus
from .workspace_told import WorkspaceTold
from .workspace_told_status import WorkspaceToldStatus

__all__ = (
    "Agent",
    "AgentSchemaResponseAgentSchema",
    "AgentStatus",
    "AllDecided",
    "Answering",
    "Approval",
    "BlockOverlap",
    "BlockOverlapByItem",
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
    "Change",
    "Checked",
    "CheckedDocumentType0",
    "Comparison",
    "ConcurrentStartBlock",
    "ConcurrentStartBlockPer",
    "Connector",
    "ConnectorCounts",
    "Correction",
    "CorrectionValue",
    "DeadLetter",
    "Decided",
    "DifferenceTold",
    "DifferenceToldKind",
    "Discarded",
    "Drafted",
    "DraftedDocument",
    "Duration",
    "ExceptionalHours",
    "Explained",
    "ExplainedCounts",
    "FaultTold",
    "FaultToldSeverity",
    "GraphTold",
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
    "NewAgent",
    "NewAgentDocument",
    "NewCall",
    "NewCallReason",
    "NewKey",
    "NewKeyRole",
    "NewNumber",
    "NewRules",
    "NewService",
    "NewServiceDocument",
    "NewWorkspace",
    "NumberTold",
    "OpenHours",
    "Operator",
    "OperatorKind",
    "OperatorPresence",
    "PageAgent",
    "PageCallListed",
    "PageChange",
    "PageConnector",
    "PageDeadLetter",
    "PageKey",
    "PageLiveState",
    "PageNumberTold",
    "PageOperator",
    "PageReviewItem",
    "PageRulesListed",
    "PageScenario",
    "PageServiceTold",
    "PageVersionTold",
    "PageWorkspaceTold",
    "PatientKind",
    "PatientKindDaysItem",
    "PatientKindPatients",
    "PatientLimit",
    "Played",
    "PresenceStated",
    "PresenceStatedState",
    "PresenceTold",
    "PresenceToldState",
    "Problem",
    "ProblemErrorsItem",
    "Publication",
    "Question",
    "Rehearsal",
    "RehearsalDocumentType0",
    "Rehearsed",
    "Rejection",
    "Release",
    "ReleaseDaysItem",
    "Removed",
    "Renamed",
    "ReviewCounts",
    "ReviewCountsCounts",
    "ReviewCountsCountsAdditionalProperty",
    "ReviewCountsSecondsToDecision",
    "ReviewerCounts",
    "ReviewerCountsDecisions",
    "ReviewerCountsSecondsToDecision",
    "ReviewItem",
    "RollingDays",
    "Rotation",
    "Rules",
    "RulesListed",
    "Scenario",
    "SchedulingRules",
    "SentDocument",
    "SentDocumentDocument",
    "SentRules",
    "SentService",
    "SentServiceDocument",
    "ServiceTold",
    "ServiceToldDocument",
    "SessionGrid",
    "SessionGridDaysItem",
    "SlotExplained",
    "StateTold",
    "StateToldKind",
    "Timeline",
    "Undoing",
    "Validation",
    "VersionShown",
    "VersionShownDocument",
    "VersionTold",
    "WeeklyHours",
    "WeeklyHoursDaysItem",
    "WorkspaceChange",
    "WorkspaceChangeStatusType0",
    "WorkspaceMade",
    "WorkspaceMadeStatus",
    "WorkspaceTold",
    "WorkspaceToldStatus",
)
