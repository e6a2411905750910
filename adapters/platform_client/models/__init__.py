"""Contains all the data models used in inputs/outputs"""

from .agent import Agent
from .agent_schema_response_agent_schema import AgentSchemaResponseAgentSchema
from .agent_status import AgentStatus
from .all_decided import AllDecided
from .answering import Answering
from .approval import Approval
from .asking import Asking
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
from .campaign_check import CampaignCheck
from .campaign_checked import CampaignChecked
from .campaign_checked_document import CampaignCheckedDocument
from .campaign_defined import CampaignDefined
from .campaign_defined_document import CampaignDefinedDocument
from .campaign_defined_status import CampaignDefinedStatus
from .campaign_detail import CampaignDetail
from .campaign_detail_document import CampaignDetailDocument
from .campaign_detail_status import CampaignDetailStatus
from .campaign_figures import CampaignFigures
from .campaign_figures_outcomes import CampaignFiguresOutcomes
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
from .campaign_rehearsal_off import CampaignRehearsalOff
from .campaign_rehearsed import CampaignRehearsed
from .campaign_report import CampaignReport
from .campaign_run import CampaignRun
from .campaign_standing import CampaignStanding
from .campaign_started import CampaignStarted
from .campaign_template import CampaignTemplate
from .campaign_template_document import CampaignTemplateDocument
from .campaign_templates import CampaignTemplates
from .change import Change
from .checked import Checked
from .checked_document_type_0 import CheckedDocumentType0
from .comparison import Comparison
from .concurrent_start_block import ConcurrentStartBlock
from .concurrent_start_block_per import ConcurrentStartBlockPer
from .connector import Connector
from .connector_counts import ConnectorCounts
from .conversation_figures import ConversationFigures
from .conversation_report import ConversationReport
from .correction import Correction
from .correction_value import CorrectionValue
from .dead_letter import DeadLetter
from .decided import Decided
from .delivery import Delivery
from .difference_told import DifferenceTold
from .difference_told_kind import DifferenceToldKind
from .discarded import Discarded
from .draft_rehearsed import DraftRehearsed
from .draft_rehearsed_document import DraftRehearsedDocument
from .drafted import Drafted
from .drafted_document import DraftedDocument
from .duration import Duration
from .event import Event
from .event_type import EventType
from .event_types import EventTypes
from .exceptional_hours import ExceptionalHours
from .explained import Explained
from .explained_counts import ExplainedCounts
from .export_rows_format import ExportRowsFormat
from .export_rows_table import ExportRowsTable
from .fault_told import FaultTold
from .fault_told_severity import FaultToldSeverity
from .form import Form
from .form_link import FormLink
from .form_status import FormStatus
from .graph_told import GraphTold
from .items import Items
from .items_rejected import ItemsRejected
from .key import Key
from .key_change import KeyChange
from .key_role import KeyRole
from .key_shown import KeyShown
from .key_shown_role import KeyShownRole
from .left_out import LeftOut
from .letter_decided import LetterDecided
from .letters import Letters
from .letters_decided import LettersDecided
from .link import Link
from .list_calls_channel_type_0 import ListCallsChannelType0
from .list_calls_direction_type_0 import ListCallsDirectionType0
from .list_calls_status_type_0 import ListCallsStatusType0
from .list_campaigns_status import ListCampaignsStatus
from .list_forms_status_type_0 import ListFormsStatusType0
from .list_review_items_order import ListReviewItemsOrder
from .list_review_items_priority_type_0 import ListReviewItemsPriorityType0
from .list_review_items_status_type_0_item import ListReviewItemsStatusType0Item
from .live_state import LiveState
from .me import Me
from .measured import Measured
from .missing import Missing
from .missing_why import MissingWhy
from .new_agent import NewAgent
from .new_agent_document import NewAgentDocument
from .new_call import NewCall
from .new_call_reason import NewCallReason
from .new_campaign import NewCampaign
from .new_campaign_document import NewCampaignDocument
from .new_campaign_status import NewCampaignStatus
from .new_form import NewForm
from .new_form_subjects_item import NewFormSubjectsItem
from .new_key import NewKey
from .new_key_role import NewKeyRole
from .new_number import NewNumber
from .new_rules import NewRules
from .new_service import NewService
from .new_service_document import NewServiceDocument
from .new_webhook import NewWebhook
from .new_workspace import NewWorkspace
from .number_told import NumberTold
from .open_hours import OpenHours
from .operator import Operator
from .operator_kind import OperatorKind
from .operator_presence import OperatorPresence
from .page_agent import PageAgent
from .page_call_listed import PageCallListed
from .page_campaign_listed import PageCampaignListed
from .page_campaign_member import PageCampaignMember
from .page_change import PageChange
from .page_connector import PageConnector
from .page_dead_letter import PageDeadLetter
from .page_delivery import PageDelivery
from .page_event import PageEvent
from .page_form import PageForm
from .page_key import PageKey
from .page_live_state import PageLiveState
from .page_number_told import PageNumberTold
from .page_operator import PageOperator
from .page_requirement_set_told import PageRequirementSetTold
from .page_review_item import PageReviewItem
from .page_rules_listed import PageRulesListed
from .page_scenario import PageScenario
from .page_service_told import PageServiceTold
from .page_version_told import PageVersionTold
from .page_webhook_told import PageWebhookTold
from .page_workspace_told import PageWorkspaceTold
from .patient_kind import PatientKind
from .patient_kind_days_item import PatientKindDaysItem
from .patient_kind_patients import PatientKindPatients
from .patient_limit import PatientLimit
from .patient_stopped import PatientStopped
from .person_foreseen import PersonForeseen
from .played import Played
from .presence_stated import PresenceStated
from .presence_stated_state import PresenceStatedState
from .presence_told import PresenceTold
from .presence_told_state import PresenceToldState
from .preview_form_response_preview_form import PreviewFormResponsePreviewForm
from .problem import Problem
from .problem_errors_item import ProblemErrorsItem
from .publication import Publication
from .question import Question
from .queued import Queued
from .rehearsal import Rehearsal
from .rehearsal_document_type_0 import RehearsalDocumentType0
from .rehearsed import Rehearsed
from .rejection import Rejection
from .release import Release
from .release_days_item import ReleaseDaysItem
from .removed import Removed
from .renamed import Renamed
from .replay_asked import ReplayAsked
from .report_conversations_by import ReportConversationsBy
from .report_writebacks_by import ReportWritebacksBy
from .requirement import Requirement
from .requirement_set import RequirementSet
from .requirement_set_identify import RequirementSetIdentify
from .requirement_set_told import RequirementSetTold
from .requirement_set_told_identify import RequirementSetToldIdentify
from .requirement_subject import RequirementSubject
from .review_counts import ReviewCounts
from .review_counts_counts import ReviewCountsCounts
from .review_counts_counts_additional_property import ReviewCountsCountsAdditionalProperty
from .review_counts_seconds_to_decision import ReviewCountsSecondsToDecision
from .review_item import ReviewItem
from .reviewer_counts import ReviewerCounts
from .reviewer_counts_decisions import ReviewerCountsDecisions
from .reviewer_counts_seconds_to_decision import ReviewerCountsSecondsToDecision
from .revocation import Revocation
from .rolling_days import RollingDays
from .rotation import Rotation
from .rules import Rules
from .rules_listed import RulesListed
from .scanned import Scanned
from .scenario import Scenario
from .scheduling_rules import SchedulingRules
from .secret_rotation import SecretRotation
from .secret_shown import SecretShown
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
from .webhook_change import WebhookChange
from .webhook_change_status_type_0 import WebhookChangeStatusType0
from .webhook_shown import WebhookShown
from .webhook_shown_status import WebhookShownStatus
from .webhook_told import WebhookTold
from .webhook_told_status import WebhookToldStatus
from .weekly_hours import WeeklyHours
from .weekly_hours_days_item import WeeklyHoursDaysItem
from .workspace_change import WorkspaceChange
from .workspace_change_status_type_0 import WorkspaceChangeStatusType0
from .workspace_made import WorkspaceMade
from .workspace_made_status import WorkspaceMadeStatus
from .workspace_told import WorkspaceTold
from .workspace_told_status import WorkspaceToldStatus
from .writeback_figures import WritebackFigures
from .writeback_report import WritebackReport

__all__ = (
    "Agent",
    "AgentSchemaResponseAgentSchema",
    "AgentStatus",
    "AllDecided",
    "Answering",
    "Approval",
    "Asking",
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
    "CampaignCheck",
    "CampaignChecked",
    "CampaignCheckedDocument",
    "CampaignDefined",
    "CampaignDefinedDocument",
    "CampaignDefinedStatus",
    "CampaignDetail",
    "CampaignDetailDocument",
    "CampaignDetailStatus",
    "CampaignFigures",
    "CampaignFiguresOutcomes",
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
    "CampaignRehearsalOff",
    "CampaignRehearsed",
    "CampaignReport",
    "CampaignRun",
    "CampaignStanding",
    "CampaignStarted",
    "CampaignTemplate",
    "CampaignTemplateDocument",
    "CampaignTemplates",
    "Change",
    "Checked",
    "CheckedDocumentType0",
    "Comparison",
    "ConcurrentStartBlock",
    "ConcurrentStartBlockPer",
    "Connector",
    "ConnectorCounts",
    "ConversationFigures",
    "ConversationReport",
    "Correction",
    "CorrectionValue",
    "DeadLetter",
    "Decided",
    "Delivery",
    "DifferenceTold",
    "DifferenceToldKind",
    "Discarded",
    "Drafted",
    "DraftedDocument",
    "DraftRehearsed",
    "DraftRehearsedDocument",
    "Duration",
    "Event",
    "EventType",
    "EventTypes",
    "ExceptionalHours",
    "Explained",
    "ExplainedCounts",
    "ExportRowsFormat",
    "ExportRowsTable",
    "FaultTold",
    "FaultToldSeverity",
    "Form",
    "FormLink",
    "FormStatus",
    "GraphTold",
    "Items",
    "ItemsRejected",
    "Key",
    "KeyChange",
    "KeyRole",
    "KeyShown",
    "KeyShownRole",
    "LeftOut",
    "LetterDecided",
    "Letters",
    "LettersDecided",
    "Link",
    "ListCallsChannelType0",
    "ListCallsDirectionType0",
    "ListCallsStatusType0",
    "ListCampaignsStatus",
    "ListFormsStatusType0",
    "ListReviewItemsOrder",
    "ListReviewItemsPriorityType0",
    "ListReviewItemsStatusType0Item",
    "LiveState",
    "Me",
    "Measured",
    "Missing",
    "MissingWhy",
    "NewAgent",
    "NewAgentDocument",
    "NewCall",
    "NewCallReason",
    "NewCampaign",
    "NewCampaignDocument",
    "NewCampaignStatus",
    "NewForm",
    "NewFormSubjectsItem",
    "NewKey",
    "NewKeyRole",
    "NewNumber",
    "NewRules",
    "NewService",
    "NewServiceDocument",
    "NewWebhook",
    "NewWorkspace",
    "NumberTold",
    "OpenHours",
    "Operator",
    "OperatorKind",
    "OperatorPresence",
    "PageAgent",
    "PageCallListed",
    "PageCampaignListed",
    "PageCampaignMember",
    "PageChange",
    "PageConnector",
    "PageDeadLetter",
    "PageDelivery",
    "PageEvent",
    "PageForm",
    "PageKey",
    "PageLiveState",
    "PageNumberTold",
    "PageOperator",
    "PageRequirementSetTold",
    "PageReviewItem",
    "PageRulesListed",
    "PageScenario",
    "PageServiceTold",
    "PageVersionTold",
    "PageWebhookTold",
    "PageWorkspaceTold",
    "PatientKind",
    "PatientKindDaysItem",
    "PatientKindPatients",
    "PatientLimit",
    "PatientStopped",
    "PersonForeseen",
    "Played",
    "PresenceStated",
    "PresenceStatedState",
    "PresenceTold",
    "PresenceToldState",
    "PreviewFormResponsePreviewForm",
    "Problem",
    "ProblemErrorsItem",
    "Publication",
    "Question",
    "Queued",
    "Rehearsal",
    "RehearsalDocumentType0",
    "Rehearsed",
    "Rejection",
    "Release",
    "ReleaseDaysItem",
    "Removed",
    "Renamed",
    "ReplayAsked",
    "ReportConversationsBy",
    "ReportWritebacksBy",
    "Requirement",
    "RequirementSet",
    "RequirementSetIdentify",
    "RequirementSetTold",
    "RequirementSetToldIdentify",
    "RequirementSubject",
    "ReviewCounts",
    "ReviewCountsCounts",
    "ReviewCountsCountsAdditionalProperty",
    "ReviewCountsSecondsToDecision",
    "ReviewerCounts",
    "ReviewerCountsDecisions",
    "ReviewerCountsSecondsToDecision",
    "ReviewItem",
    "Revocation",
    "RollingDays",
    "Rotation",
    "Rules",
    "RulesListed",
    "Scanned",
    "Scenario",
    "SchedulingRules",
    "SecretRotation",
    "SecretShown",
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
    "WebhookChange",
    "WebhookChangeStatusType0",
    "WebhookShown",
    "WebhookShownStatus",
    "WebhookTold",
    "WebhookToldStatus",
    "WeeklyHours",
    "WeeklyHoursDaysItem",
    "WorkspaceChange",
    "WorkspaceChangeStatusType0",
    "WorkspaceMade",
    "WorkspaceMadeStatus",
    "WorkspaceTold",
    "WorkspaceToldStatus",
    "WritebackFigures",
    "WritebackReport",
)
