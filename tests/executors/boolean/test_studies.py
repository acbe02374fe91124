"""Essie over records in the form of ClinicalTrials.gov's version 2, from their file to what is found."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks.intake import read_documents
from sqlrl.cli import main
from sqlrl.executors.base import Outcome
from sqlrl.executors.boolean import essie
from sqlrl.executors.boolean.queries import And, Not, Or, Query, Within
from sqlrl.executors.documents import Document
from tests.executors.boolean.brute import Brute

pytest.importorskip("tantivy")
pytest.importorskip("pyroaring")

CONDITIONS = ["Heart Failure", "Heart Attack", "Lung Cancer", "Breast Cancer", "Type 2 Diabetes", "COVID-19", "Stroke"]
DRUGS = ["Aspirin", "Acetaminophen", "Metformin", "Placebo", "Pembrolizumab", "Liraglutide"]
PLACES = [("Boston", "Massachusetts", "United States"), ("Portland", "Maine", "United States"),
          ("Portland", "Oregon", "United States"), ("Bethesda", "Maryland", "United States"),
          ("Toronto", "Ontario", "Canada"), ("Berlin", None, "Germany")]  # fmt: skip
STATUSES = ["RECRUITING", "COMPLETED", "ACTIVE_NOT_RECRUITING", "TERMINATED", "NOT_YET_RECRUITING"]


def record(chance: random.Random, number: int) -> dict[str, Any]:
    """A study's record; as in the registry's, what is not known is not there."""

    def day(first: int = 2008) -> str:
        year, month = chance.randint(first, 2024), chance.randint(1, 12)
        return chance.choice([f"{year}-{month:02}", f"{year}-{month:02}-{chance.randint(1, 28):02}"])

    condition, drug = chance.choice(CONDITIONS), chance.choice(DRUGS)
    text = (
        f"To see whether {drug.lower()} helps in {condition.lower()}; {chance.choice(['shortness of breath', 'SLE'])}."
    )
    locations = []
    for _ in range(chance.randint(0, 4)):
        city, state, country = chance.choice(PLACES)
        place = {"facility": f"{city} {chance.choice(['General Hospital', 'Clinic'])}", "city": city,
                 "state": state, "country": country, "zip": chance.choice(["02114", "04101", None]),
                 "status": chance.choice(["RECRUITING", "COMPLETED", "WITHDRAWN", None])}  # fmt: skip
        locations.append({name: value for name, value in place.items() if value})
    posted = f"{chance.randint(2008, 2024)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    protocol: dict[str, Any] = {
        "identificationModule": {
            "nctId": f"NCT{number:08}", "orgStudyIdInfo": {"id": f"ORG-{number}"},
            "briefTitle": f"{drug} in {condition}", "officialTitle": f"A trial of {drug} against {condition} in adults",
        },
        "statusModule": {"overallStatus": chance.choice(STATUSES), "studyFirstPostDateStruct": {"date": posted}},
        "sponsorCollaboratorsModule": {
            "leadSponsor": {"name": "The Institute", "class": chance.choice(["NIH", "OTHER"])},
        },
        "descriptionModule": {"briefSummary": text},
        "conditionsModule": {"conditions": [condition, *chance.sample(CONDITIONS, chance.randint(0, 1))]},
        "designModule": {
            "studyType": chance.choice(["INTERVENTIONAL", "OBSERVATIONAL"]),
            "phases": chance.sample(["PHASE1", "PHASE2", "PHASE3", "PHASE4"], chance.randint(0, 2)),
            "designInfo": {"allocation": chance.choice(["RANDOMIZED", "NON_RANDOMIZED"])},
            "enrollmentInfo": {"count": chance.randint(10, 900)},
        },
        "armsInterventionsModule": {"interventions": [{"type": "DRUG", "name": drug}]},
        "eligibilityModule": {"minimumAge": chance.choice(["18 Years", "6 Months", "65 Years"]), "sex": "ALL"},
        "contactsLocationsModule": {"locations": locations},
    }  # fmt: skip
    if chance.random() < 0.8:
        protocol["statusModule"]["startDateStruct"] = {"date": day()}
    if chance.random() < 0.4:
        protocol["statusModule"]["resultsFirstPostDateStruct"] = {"date": day(2012)}
    if chance.random() < 0.6:
        protocol["eligibilityModule"]["maximumAge"] = chance.choice(["17 Years", "65 Years", "90 Years"])
    derived = {"conditionBrowseModule": {"meshes": [{"id": "D0", "term": condition}]}}
    return {"protocolSection": protocol, "derivedSection": derived, "hasResults": number % 3 == 0}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Document]]:
    """(an index that the command made of a file of records, their documents)."""
    folder = tmp_path_factory.mktemp("studies")
    chance = random.Random(11)
    file = folder / "studies.json"
    file.write_text(json.dumps({"studies": [record(chance, number) for number in range(1, 301)]}))
    with pytest.raises(SystemExit) as ended:
        main(["data", "index", str(file), "--out", str(folder / "index"), "--engine", "boolean"])
    assert ended.value.code in (0, None)
    return folder / "index", list(read_documents([file]))


# In the forms in which the registry's own pages explain its search; * says that some studies must be found.
DOCUMENTED = [
    "heart attack *",
    '"heart attack" *',
    "heart attack OR stroke *",
    "heart attack OR stroke OR dizziness AND shortness of breath *",
    "(acetaminophen OR aspirin) AND NOT (heart failure OR heart attack) *",
    "aspirin NOT stroke *",
    "ALL *",
    "ALL AND NOT AREA[StudyType]OBSERVATIONAL *",
    "AREA[InterventionName]aspirin *",
    "AREA[BriefTitle]lung cancer *",
    "AREA[Phase]PHASE3 *",
    "AREA[Phase](PHASE3 OR PHASE4) *",
    "AREA[Phase]Phase 2 OR AREA[Phase]Phase 3 *",
    "AREA[OverallStatus](COMPLETED OR TERMINATED) *",
    "AREA[OverallStatus]Active, not recruiting *",
    "AREA[DesignAllocation]RANDOMIZED AND AREA[Phase](PHASE3 OR PHASE4) *",
    "AREA[LeadSponsorClass]NIH AND AREA[StudyType]INTERVENTIONAL *",
    "AREA[NCTId]NCT00000042 *",
    "AREA[ConditionSearch]heart *",
    "AREA[StartDate]2015 *",
    "AREA[StartDate]RANGE[2015-01, 2017-12-31] *",
    "AREA[StudyFirstPostDate]RANGE[2018-01-15,MAX] *",
    "AREA[StudyFirstPostDate]RANGE[MIN, 01/31/2012] *",
    "AREA[StartDate]RANGE[MIN, MAX] *",
    "AREA[EnrollmentCount]RANGE[100, 200] *",
    "AREA[MinimumAge]RANGE[MIN, 16 years] AND AREA[MaximumAge]RANGE[16 years, MAX] *",
    "AREA[MaximumAge]MISSING *",
    "AREA[ResultsFirstPostDate]MISSING *",
    "NOT AREA[ResultsFirstPostDate]MISSING *",
    "AREA[ResultsFirstPostDate]MISSING AND AREA[StartDate]RANGE[2010-01-01, 2013-01-01] *",
    "AREA[HasResults]true *",
    "EXPANSION[None]heart failure *",
    "EXPANSION[Term]COVID-19 *",
    "EXPANSION[Concept]type 2 diabetes *",
    "AREA[Condition]EXPANSION[None]COVERAGE[FullMatch]Stroke *",
    "COVERAGE[FullMatch]AREA[Condition]Heart Failure *",
    "COVERAGE[StartsWith]AREA[BriefTitle]pembrolizumab *",
    "COVERAGE[EndsWith]AREA[BriefTitle](cancer OR attack) *",
    "COVERAGE[Contains]AREA[OfficialTitle]trial of aspirin *",
    "TILT[StudyFirstPostDate]breast cancer *",
    "SEARCH[Location](AREA[LocationCity]Portland AND AREA[LocationState]Maine) *",
    "heart AND SEARCH[Location](AREA[LocationCountry]United States AND AREA[LocationStatus]Recruiting) *",
    "SEARCH[Location](AREA[LocationCity]Portland NOT AREA[LocationStatus]RECRUITING) *",
    "SEARCH[Location](AREA[LocationCountry]Germany OR AREA[LocationState]MISSING) *",
    "SEARCH[Location](Boston AND hospital AND AREA[LocationStatus]COMPLETED) *",
    "SEARCH[Location]AREA[LocationFacility]COVERAGE[StartsWith]Toronto *",
    "NOT SEARCH[Location](AREA[LocationCountry]Canada AND AREA[LocationStatus]MISSING) *",
    "SEARCH[Study](AREA[LocationCity]Portland AND AREA[LocationState]Maine) *",
    "AREA[LocationCity]Portland AND AREA[LocationState]Maine *",
    "heart \\AND lung",
    "AREA[Keyword]nothing",
]


@pytest.mark.parametrize("text", DOCUMENTED)
def test_documented_queries_are_equal_to_a_look_at_every_record(
    indexed: tuple[Path, list[Document]], text: str
) -> None:
    from sqlrl.executors.boolean.engine import Boolean

    folder, documents = indexed
    query = text.removesuffix(" *")
    engine = Boolean(f"boolean:///{folder}?grammar=essie")
    result = engine.search(query, 1_000, {})
    assert result.outcome is Outcome.OK, result.message
    parsed = essie.parse(query, frozenset(engine._known))
    assert parsed.query is not None
    found = {row[0] for row in result.rows}
    assert found == Brute(documents).hits(parsed.query)
    assert bool(found) == text.endswith(" *")
    assert not [each for each in result.warnings if "no document" in each and "Keyword" not in text]


def test_a_location_is_one_location(indexed: tuple[Path, list[Document]]) -> None:
    """Counted from the records alone."""
    from sqlrl.executors.boolean.engine import Boolean

    folder, documents = indexed
    engine = Boolean(f"boolean:///{folder}?grammar=essie")
    together, apart = set(), set()
    for document in documents:
        places = document.fields.get("parts", {}).get("Location", [])
        cities = {place.get("LocationCity") for place in places}
        states = {place.get("LocationState") for place in places}
        if any((place["LocationCity"], place.get("LocationState")) == ("Portland", "Maine") for place in places):
            together.add(document.id)
        if "Portland" in cities and "Maine" in states:
            apart.add(document.id)
    pair = "(AREA[LocationCity]Portland AND AREA[LocationState]Maine)"
    assert {row[0] for row in engine.search(f"SEARCH[Location]{pair}", 999, {}).rows} == together
    assert {row[0] for row in engine.search(pair, 999, {}).rows} == apart
    other = "(AREA[LocationState]Oregon AND AREA[LocationStatus]WITHDRAWN)"
    found = {row[0] for row in engine.search(f"SEARCH[Location]{other}", 999, {}).rows}
    expected = {
        document.id
        for document in documents
        for place in document.fields.get("parts", {}).get("Location", [])
        if (place.get("LocationState"), place.get("LocationStatus")) == ("Oregon", "WITHDRAWN")
    }
    assert found == expected
    assert found != {row[0] for row in engine.search(other, 999, {}).rows}


def test_generated_queries_of_locations(indexed: tuple[Path, list[Document]]) -> None:
    from sqlrl.executors.boolean.engine import Boolean

    folder, documents = indexed
    engine, brute, chance = Boolean(f"boolean:///{folder}?grammar=essie"), Brute(documents), random.Random(5)
    terms = ["AREA[LocationCity]Portland", "AREA[LocationState]Maine", "AREA[LocationStatus]RECRUITING", "clinic",
             "AREA[LocationCountry]United States", "AREA[LocationStatus]MISSING", '"General Hospital"', "ALL",
             "AREA[LocationZip]02114", "AREA[LocationFacility]COVERAGE[StartsWith]Boston"]  # fmt: skip

    def some(depth: int) -> str:
        if depth == 0 or chance.random() < 0.3:
            return chance.choice(terms)
        inner = f"{some(depth - 1)} {chance.choice(['AND', 'OR', 'NOT', 'AND NOT'])} {some(depth - 1)}"
        return f"({inner})"

    for _ in range(80):
        query = f"{chance.choice(['', 'heart AND ', 'NOT '])}SEARCH[Location]{some(3)}"
        parsed = essie.parse(query, frozenset(engine._known))
        assert parsed.query is not None
        assert _has_within(parsed.query)
        assert {row[0] for row in engine.search(query, 999, {}).rows} == brute.hits(parsed.query), query


def _has_within(query: Query) -> bool:
    if isinstance(query, Not):
        return _has_within(query.keep) or _has_within(query.drop)
    return isinstance(query, Within) or (isinstance(query, (And, Or)) and any(map(_has_within, query.parts)))


def test_records_without_parts_say_so() -> None:
    parsed = essie.parse("SEARCH[Location]Boston")
    assert any("read without it" in each for each in parsed.warnings)
    refused = essie.parse("SEARCH[Elsewhere]Boston")
    assert (refused.query, "no part of a record" in refused.message) == (None, True)


@pytest.mark.parametrize("last", ["2015-06-30", "2010"])
def test_a_last_day_is_the_first_posting(indexed: tuple[Path, list[Document]], last: str) -> None:
    from sqlrl.executors.boolean.engine import Boolean

    folder, documents = indexed
    result = Boolean(f"boolean:///{folder}?grammar=essie").search("ALL", 999, {"max_date": last})
    expected = {each.id for each in documents if each.fields["StudyFirstPostDate"] <= f"{last}-99"}
    assert {row[0] for row in result.rows} == expected
