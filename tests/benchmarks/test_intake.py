"""Files of every form as documents: told by their content, columns guessed or said, and one clear line."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks.intake import files_of, read_documents
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError, SqlrlError, UsageError
from sqlrl.executors.studies import PIECES, study_document

STUDY: dict[str, Any] = {
    "protocolSection": {
        "identificationModule": {
            "nctId": "NCT00000102", "briefTitle": "Nifedipine", "secondaryIdInfos": [{"id": "M01"}],
        },
        "statusModule": {"overallStatus": "COMPLETED", "studyFirstPostDateStruct": {"date": "1999-11-04"}},
        "descriptionModule": {"briefSummary": "Short.", "detailedDescription": "Long."},
        "conditionsModule": {"conditions": ["Congenital Adrenal Hyperplasia"]},
        "designModule": {"phases": ["PHASE1", "PHASE2"], "enrollmentInfo": {"count": 0}},
        "armsInterventionsModule": {"interventions": [{"name": "N", "otherNames": ["x", "y"]}, {"name": "O"}]},
        "eligibilityModule": {"healthyVolunteers": False},
    },
    "derivedSection": {"conditionBrowseModule": {"meshes": [{"id": "D000312", "term": "Hyperplasia"}]}},
    "hasResults": False,
}  # fmt: skip


def _read(*sources: Path, **said: tuple[str, ...]) -> list[Document]:
    return list(read_documents(files_of(sources), said))


def _study(number: str, title: str) -> dict[str, Any]:
    return {"protocolSection": {"identificationModule": {"nctId": number, "briefTitle": title}}}


def test_a_study_has_the_registrys_names() -> None:
    document = study_document(STUDY)
    assert (document.id, document.title, document.text) == ("NCT00000102", "Nifedipine", "Short.\nLong.")
    assert document.fields == {
        "NCTId": "NCT00000102", "SecondaryId": ["M01"], "BriefTitle": "Nifedipine", "OverallStatus": "COMPLETED",
        "StudyFirstPostDate": "1999-11-04", "BriefSummary": "Short.", "DetailedDescription": "Long.",
        "Condition": ["Congenital Adrenal Hyperplasia"], "Phase": ["PHASE1", "PHASE2"], "EnrollmentCount": 0,
        "InterventionName": ["N", "O"], "InterventionOtherName": ["x", "y"], "HealthyVolunteers": False,
        "ConditionMeshTerm": ["Hyperplasia"], "HasResults": False, "date": "1999-11-04",
    }  # fmt: skip
    assert len(PIECES) == len(set(PIECES.values()))


def test_studies_as_a_reply_a_list_lines_and_a_folder(tmp_path: Path) -> None:
    whole = [_study("NCT1", "one"), _study("NCT2", "two")]
    (tmp_path / "reply.json").write_text(json.dumps({"totalCount": 2, "studies": whole, "nextPageToken": "x"}))
    (tmp_path / "list.json").write_text(json.dumps(whole))
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(each) + "\n" for each in whole))
    folder = tmp_path / "folder" / "NCT0000"
    folder.mkdir(parents=True)
    for each, name in zip(whole, ("NCT1", "NCT2"), strict=True):
        (folder / f"{name}.json").write_text(json.dumps(each))
    (folder / ".hidden.json").write_text("no JSON")
    (folder / "README.md").write_text("no study")
    for source in ("reply.json", "list.json", "lines.jsonl", "folder"):
        assert {(each.id, each.title) for each in _read(tmp_path / source)} == {("NCT1", "one"), ("NCT2", "two")}
    (tmp_path / "newer.json").write_text(json.dumps([_study("NCT2", "two, again")]))
    again = _read(tmp_path / "list.json", tmp_path / "newer.json")
    assert {(each.id, each.title) for each in again} == {("NCT1", "one"), ("NCT2", "two, again")}


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.jsonl", '{"_id": "1", "title": "T", "text": "x", "metadata": {}}\n', Document("1", "T", "x")),
        ("a.jsonl", '{"_id": 1, "text": "x", "fields": {"date": "2001"}}\n', Document("1", "", "x", {"date": "2001"})),
        ("a.ndjson", '\n{"id": "1", "contents": "x", "n": 0}\n', Document("1", "", "x", {"n": 0})),
        ("a.json", '[{"docid": "1", "passage": "x"}]', Document("1", "", "x")),
        ("a.csv", '\ufeffPMID,Title,Abstract,Year,X\n1,T,"a, b",2001,\n', Document("1", "T", "a, b", {"date": "2001"})),
        ("a.tsv", "id\ttext\ttitle\n1\tx\tT\n", Document("1", "T", "x")),
        ("a.tsv", "1\tx y\n", Document("1", "", "x y")),
        ("a.csv", 'pubmedID,Article Title\r\n1,"two\r\nlines"\r\n', Document("1", "two\r\nlines", "")),
        ("a.json", '{"data": [{"paragraphs": [{"context": "x", "qas": []}]}]}', Document("0-0", "", "x")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("packed", [False, True])
def test_the_form_is_told_by_the_content(
    name: str, content: str, found: Document, packed: bool, tmp_path: Path
) -> None:
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    assert _read(path) == [found]


def test_columns_that_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,key,head,a,b,when\n1,k,H,x,,May\n2,l,H,x,y,\n")
    assert _read(path, id=("key",), title=("head",), text=("a", "b"), date=("when",)) == [
        Document("k", "H", "x", {"id": "1", "date": "May"}),
        Document("l", "H", "x\ny", {"id": "2"}),
    ]
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"key": 1, "a": "x"}\n{"key": 2, "a": "y", "title": "T"}\n')
    assert _read(lines, id=("key",), text=("a",)) == [Document("1", "", "x"), Document("2", "T", "y")]


@pytest.mark.parametrize(
    ("name", "content", "said", "line"),
    [
        ("a.csv", "name,text\nx,y\n", {}, "no column looks like the id: say --column id=NAME"),
        ("a.csv", "id,x\n1,y\n", {}, "no column looks like title or text"),
        ("a.csv", "id,text\n1,y\n", {"text": ("txt",)}, "a.csv: there is no column 'txt'; did you mean 'text'"),
        ("a.csv", "id,text\n1,y\n", {"id": ("id", "text")}, "one column is the id"),
        ("a.csv", "id,text\n1,y\n,z\n", {}, "a.csv, line 3: no 'id' that could be an id"),
        ("a.csv", "id,text\n1,y,z\n", {}, "a.csv, line 2: more cells than the heading has"),
        ("a.csv", 'id,text\n1,"y\n', {}, "a.csv, line 2"),
        ("a.csv", "", {}, "there is no document in"),
        ("a.jsonl", '{"id": "1", "text": "x"}\n{"id": [1], "text": "x"}\n', {}, "a.jsonl, record 2: no 'id'"),
        ("a.jsonl", '{"id": "1", "text": {"x": 1}}\n', {}, "a.jsonl, record 1: 'text' is no text"),
        ("a.jsonl", '{"id": "1", "text": "x"}\n{"id"', {}, "a.jsonl cannot be read: line 2"),
        ("a.jsonl", '["x"]\n', {}, "a.jsonl, line 1: not a JSON object"),
        ("a.json", '[{"protocolSection": {}}]', {}, "a.json, study 1: a study without"),
        ("a.xml", "<PubmedArticleSet/>", {}, "there is no document in"),
        ("a.pdf", "%PDF", {}, "of no kind known here"),
    ],
)
def test_what_is_no_document_says_where(
    name: str, content: str, said: dict[str, tuple[str, ...]], line: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(SqlrlError) as raised:
        _read(tmp_path / name, **said)
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        files_of([tmp_path / "nothing.csv"])
    with pytest.raises(UsageError, match="holds no file of documents"):
        files_of([tmp_path])
    (tmp_path / "a.csv").write_text("id,text\n1,x\n")
    assert files_of([tmp_path, tmp_path / "a.csv"]) == [tmp_path / "a.csv"]
    (tmp_path / "b.csv.gz").write_bytes(b"\x1f\x8b\x08\x00broken")
    with pytest.raises(DataError, match=r"b\.csv\.gz cannot be read"):
        _read(tmp_path / "b.csv.gz")


@pytest.mark.skipif("SQLRL_DATA" not in os.environ, reason="the reviews and trials are found by SQLRL_DATA")
def test_tables_as_others_publish_them() -> None:
    root = Path(os.environ["SQLRL_DATA"])
    reviews, trials = root / "pubmed/cohen_2006/ADHD.csv", root / "trials/trial2vec/clinical_trial_mini.csv"
    if not (reviews.is_file() and trials.is_file()):
        pytest.skip(f"{reviews} or {trials} is not there")
    assert len(found := _read(reviews)) == 851
    assert found[0].title
    assert found[0].id.isdigit()
    assert len(found := _read(trials, text=("description", "criteria"))) == 99
    assert found[0].id.startswith("NCT")


def test_a_long_cell_is_read_and_nobody_elses_limit_is_changed(tmp_path: Path) -> None:
    table = tmp_path / "long.csv"
    table.write_text(f"id,title,text\n1,long,{'x' * 200_000}\n")
    before = csv.field_size_limit()
    (document,) = read_documents([table])
    assert len(document.text) == 200_000
    assert csv.field_size_limit() == before
