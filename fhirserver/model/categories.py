"""The categories that R4 sorts its resource types into. https://hl7.org/fhir/R4/resourcelist.html"""

from __future__ import annotations

from typing import Final

from fhirserver.model.definitions import definitions

_LISTED: Final = {
    "foundation": """
        CapabilityStatement StructureDefinition ImplementationGuide SearchParameter MessageDefinition
        OperationDefinition CompartmentDefinition StructureMap GraphDefinition ExampleScenario CodeSystem
        ValueSet ConceptMap NamingSystem TerminologyCapabilities Provenance AuditEvent Consent Composition
        DocumentManifest DocumentReference CatalogEntry Basic Binary Bundle Linkage MessageHeader
        OperationOutcome Parameters Subscription""",
    "base": """
        Patient Practitioner PractitionerRole RelatedPerson Person Group Organization OrganizationAffiliation
        HealthcareService Endpoint Location Substance BiologicallyDerivedProduct Device DeviceMetric Task
        Appointment AppointmentResponse Schedule Slot VerificationResult Encounter EpisodeOfCare Flag List
        Library""",
    "clinical": """
        AllergyIntolerance AdverseEvent Condition Procedure FamilyMemberHistory ClinicalImpression
        DetectedIssue Observation Media DiagnosticReport Specimen BodyStructure ImagingStudy
        QuestionnaireResponse MolecularSequence MedicationRequest MedicationAdministration MedicationDispense
        MedicationStatement Medication MedicationKnowledge Immunization ImmunizationEvaluation
        ImmunizationRecommendation CarePlan CareTeam Goal ServiceRequest NutritionOrder VisionPrescription
        RiskAssessment RequestGroup Communication CommunicationRequest DeviceRequest DeviceUseStatement
        GuidanceResponse SupplyRequest SupplyDelivery""",
    "financial": """
        Coverage CoverageEligibilityRequest CoverageEligibilityResponse EnrollmentRequest EnrollmentResponse
        Claim ClaimResponse Invoice PaymentNotice PaymentReconciliation Account ChargeItem
        ChargeItemDefinition Contract ExplanationOfBenefit InsurancePlan""",
}
SPECIALIZED: Final = "specialized"
_CATEGORY: Final = {type: category for category, types in _LISTED.items() for type in types.split()}
CATEGORIES: Final = (*_LISTED, SPECIALIZED)


def category(type: str) -> str:
    """The category of a resource type; empty for what R4 has none of that name."""
    if type in _CATEGORY:
        return _CATEGORY[type]
    return SPECIALIZED if type in definitions().resource_types else ""
