"""Areas: what Essie's AREA[] names, a piece of a study's record or several of them."""

from __future__ import annotations

from sqlrl.executors.boolean.fields import ALL, DATES, TEXTS, VALUES, own_name

__all__ = ["BASIC", "area_fields"]

BASIC = ALL

# Pieces of a record of ClinicalTrials.gov; an index may lack any of them.
_PIECES = """
NCTId NCTIdAlias OrgStudyId SecondaryId BriefTitle OfficialTitle Acronym OrgFullName OverallStatus LastKnownStatus
WhyStopped StartDate PrimaryCompletionDate CompletionDate StudyFirstSubmitDate StudyFirstPostDate ResultsFirstPostDate
ResultsFirstSubmitDate LastUpdatePostDate LastUpdateSubmitDate StatusVerifiedDate LeadSponsorName LeadSponsorClass
CollaboratorName ResponsiblePartyInvestigatorFullName BriefSummary DetailedDescription Condition Keyword StudyType Phase
DesignAllocation DesignInterventionModel DesignPrimaryPurpose DesignObservationalModel DesignTimePerspective
DesignMasking DesignWhoMasked EnrollmentCount EnrollmentType ArmGroupLabel ArmGroupType ArmGroupDescription
ArmGroupInterventionName InterventionType InterventionName InterventionOtherName InterventionDescription
PrimaryOutcomeMeasure PrimaryOutcomeDescription PrimaryOutcomeTimeFrame SecondaryOutcomeMeasure
SecondaryOutcomeDescription SecondaryOutcomeTimeFrame OtherOutcomeMeasure OtherOutcomeDescription EligibilityCriteria
HealthyVolunteers Sex MinimumAge MaximumAge StdAge StudyPopulation SamplingMethod OverallOfficialName
OverallOfficialAffiliation LocationFacility LocationCity LocationState LocationCountry LocationStatus LocationZip
ReferencePMID ReferenceCitation ConditionMeshTerm ConditionAncestorTerm InterventionMeshTerm InterventionAncestorTerm
HasResults IPDSharing IsFDARegulatedDrug IsFDARegulatedDevice OversightHasDMC
"""
_SEVERAL = {
    "ConditionSearch": "Condition BriefTitle OfficialTitle ConditionMeshTerm ConditionAncestorTerm Keyword",
    "InterventionSearch": "InterventionName InterventionType InterventionOtherName InterventionMeshTerm "
    "InterventionAncestorTerm ArmGroupLabel BriefTitle OfficialTitle",
    "TitleSearch": "BriefTitle OfficialTitle Acronym",
    "OutcomeSearch": "PrimaryOutcomeMeasure PrimaryOutcomeDescription SecondaryOutcomeMeasure "
    "SecondaryOutcomeDescription OtherOutcomeMeasure OtherOutcomeDescription",
    "SponsorSearch": "LeadSponsorName CollaboratorName OrgFullName",
    "LeadSponsorSearch": "LeadSponsorName",
    "IdSearch": "NCTId NCTIdAlias OrgStudyId SecondaryId Acronym",
    "PatientSearch": "Acronym BriefTitle OfficialTitle Condition Keyword BriefSummary DetailedDescription "
    "EligibilityCriteria ConditionMeshTerm InterventionName",
    "LocationSearch": "LocationFacility LocationCity LocationState LocationCountry",
    "Title": "BriefTitle OfficialTitle Acronym",
    "Intervention": "InterventionName InterventionOtherName",
}
# What every document has, whatever corpus it is from.
_CORE = {"nctid": "id", "brieftitle": "ti", "studyfirstpostdate": "dp"}
_OWN = {name.lower(): name for name in _PIECES.split()}
_WHOLE = {name.lower(): pieces.split() for name, pieces in _SEVERAL.items()}


def area_fields(name: str, known: frozenset[str]) -> tuple[str, ...] | None:
    """The fields of the index that an area is made of; None for a name that is none. known: fields of this index; its
    documents may name some that no study has."""
    lower = name.strip().lower()
    if lower in ("basicsearch", "termsearch", "all", "search"):
        return BASIC
    if lower in _WHOLE:
        found = [field for piece in _WHOLE[lower] for field in area_fields(piece, known) or ()]
        return tuple(dict.fromkeys(found))
    own = own_name(lower)
    if lower in _CORE:
        return _CORE[lower], *((own,) if own in known else ())
    if lower in _OWN or own in known:
        return (own,)
    return (lower,) if lower in (*TEXTS, *VALUES, *DATES) else None
