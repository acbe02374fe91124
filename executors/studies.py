"""Studies: ClinicalTrials.gov's records as documents, read one by one from the JSON of its API (version 2).

A document's id is the NCT number, its title the brief title, its text the brief summary and the detailed description.
Its fields have the names that the registry's own queries know (AREA[Condition]), with a list where the record has one;
`date` is the day on which the study was first posted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError

__all__ = ["PIECES", "is_study", "study_document"]

_TREE = """
identificationModule
    nctId NCTId, nctIdAliases NCTIdAlias, orgStudyIdInfo.id OrgStudyId, secondaryIdInfos.id SecondaryId,
    briefTitle BriefTitle, officialTitle OfficialTitle, acronym Acronym, organization.fullName OrgFullName
statusModule
    overallStatus OverallStatus, lastKnownStatus LastKnownStatus, whyStopped WhyStopped,
    startDateStruct.date StartDate, primaryCompletionDateStruct.date PrimaryCompletionDate,
    completionDateStruct.date CompletionDate, studyFirstSubmitDate StudyFirstSubmitDate,
    studyFirstPostDateStruct.date StudyFirstPostDate, resultsFirstPostDateStruct.date ResultsFirstPostDate,
    lastUpdatePostDateStruct.date LastUpdatePostDate, statusVerifiedDate StatusVerifiedDate
sponsorCollaboratorsModule
    leadSponsor.name LeadSponsorName, leadSponsor.class LeadSponsorClass, collaborators.name CollaboratorName,
    responsibleParty.investigatorFullName ResponsiblePartyInvestigatorFullName
descriptionModule
    briefSummary BriefSummary, detailedDescription DetailedDescription
conditionsModule
    conditions Condition, keywords Keyword
designModule
    studyType StudyType, phases Phase, designInfo.allocation DesignAllocation,
    designInfo.interventionModel DesignInterventionModel, designInfo.primaryPurpose DesignPrimaryPurpose,
    designInfo.observationalModel DesignObservationalModel, designInfo.timePerspective DesignTimePerspective,
    designInfo.maskingInfo.masking DesignMasking, enrollmentInfo.count EnrollmentCount
armsInterventionsModule
    armGroups.label ArmGroupLabel, armGroups.type ArmGroupType, armGroups.description ArmGroupDescription,
    interventions.type InterventionType, interventions.name InterventionName,
    interventions.otherNames InterventionOtherName, interventions.description InterventionDescription
outcomesModule
    primaryOutcomes.measure PrimaryOutcomeMeasure, primaryOutcomes.description PrimaryOutcomeDescription,
    secondaryOutcomes.measure SecondaryOutcomeMeasure, secondaryOutcomes.description SecondaryOutcomeDescription,
    otherOutcomes.measure OtherOutcomeMeasure, otherOutcomes.description OtherOutcomeDescription
eligibilityModule
    eligibilityCriteria EligibilityCriteria, healthyVolunteers HealthyVolunteers, sex Sex, minimumAge MinimumAge,
    maximumAge MaximumAge, stdAges StdAge, studyPopulation StudyPopulation
contactsLocationsModule
    overallOfficials.name OverallOfficialName, overallOfficials.affiliation OverallOfficialAffiliation,
    locations.facility LocationFacility, locations.city LocationCity, locations.state LocationState,
    locations.country LocationCountry, locations.status LocationStatus, locations.zip LocationZip
referencesModule
    references.pmid ReferencePMID, references.citation ReferenceCitation
conditionBrowseModule
    meshes.term ConditionMeshTerm, ancestors.term ConditionAncestorTerm
interventionBrowseModule
    meshes.term InterventionMeshTerm, ancestors.term InterventionAncestorTerm
"""
_PARTS = {"Location": ("protocolSection", "contactsLocationsModule", "locations")}
_DERIVED = ("conditionBrowseModule", "interventionBrowseModule")


def _pieces() -> dict[str, tuple[str, ...]]:
    found = {}
    for line in _TREE.strip().splitlines():
        if not line.startswith(" "):
            module = line
            section = "derivedSection" if module in _DERIVED else "protocolSection"
            continue
        for pair in line.strip().rstrip(",").split(", "):
            path, name = pair.split()
            found[name] = (section, module, *path.split("."))
    found["HasResults"] = ("hasResults",)
    return found


PIECES: Mapping[str, tuple[str, ...]] = _pieces()  # name -> where it is in a record


def is_study(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a study's record."""
    return isinstance(record.get("protocolSection"), dict)


def study_document(record: Mapping[str, Any]) -> Document:
    """A study as a document. DataError for a record without an NCT number."""
    fields: dict[str, Any] = {}
    for name, path in PIECES.items():
        found = list(_reached(record, path))
        if found:
            fields[name] = found if len(found) > 1 or _listed(record, path) else found[0]
    number: Any = fields.get("NCTId")
    if not isinstance(number, str):
        raise DataError("a study without protocolSection.identificationModule.nctId")
    text = "\n".join(str(fields[part]) for part in ("BriefSummary", "DetailedDescription") if part in fields)
    parts = {name: own for name, path in _PARTS.items() if (own := list(_parts(record, path)))}
    if parts:
        fields["parts"] = parts
    if "StudyFirstPostDate" in fields:
        fields["date"] = fields["StudyFirstPostDate"]
    return Document(number, str(fields.get("BriefTitle") or fields.get("OfficialTitle") or ""), text, fields)


def _reached(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """What a path leads to, through every list on its way."""
    if isinstance(value, list):
        for each in value:
            yield from _reached(each, path)
    elif not path:
        if value not in (None, "") and not isinstance(value, dict):
            yield value
    elif isinstance(value, dict):
        yield from _reached(value.get(path[0]), path[1:])


def _parts(record: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The elements of a list, each with the names of its pieces."""
    value: Any = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    for each in value if isinstance(value, list) else ():
        own = {
            name: list(_reached(each, place[len(path) :]))
            for name, place in PIECES.items()
            if place[: len(path)] == path
        }
        found = {name: texts if len(texts) > 1 else texts[0] for name, texts in own.items() if texts}
        if found:
            yield found


def _listed(value: Any, path: tuple[str, ...]) -> bool:
    """Whether a list is on the way."""
    for name in path:
        if not isinstance(value, dict):
            break
        value = value.get(name)
    return isinstance(value, list)
