"""PubMed's XML as documents: every field, updates and withdrawals, and files that end too early."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqlrl.benchmarks import citations
from sqlrl.benchmarks.citations import read_citations
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError

RECORD = """
<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM">
 <PMID Version="1">101</PMID>
 <DateCompleted><Year>2005</Year><Month>01</Month><Day>02</Day></DateCompleted>
 <DateRevised><Year>2006</Year><Month>11</Month><Day>15</Day></DateRevised>
 <Article PubModel="Print-Electronic">
  <Journal><ISSN IssnType="Print">1111-2222</ISSN>
   <JournalIssue CitedMedium="Print"><Volume>12</Volume><Issue>3</Issue><PubDate><Year>2004</Year><Month>Jun</Month>
   </PubDate></JournalIssue><Title>Journal of hearts</Title><ISOAbbreviation>J. Hearts</ISOAbbreviation></Journal>
  <ArticleTitle>Aspirin &amp; H<sub>2</sub>O in <i>adults</i>.</ArticleTitle>
  <Pagination><MedlinePgn>1-9</MedlinePgn></Pagination>
  <ELocationID EIdType="doi" ValidYN="Y">10.1/abc</ELocationID>
  <Abstract><AbstractText Label="AIM" NlmCategory="OBJECTIVE">To see.</AbstractText>
   <AbstractText Label="RESULTS">We saw
     p &lt; 0.05.</AbstractText><CopyrightInformation>Copyright</CopyrightInformation></Abstract>
  <AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>Müller</LastName><ForeName>Jo Ann</ForeName>
    <Initials>JA</Initials><Suffix>Jr</Suffix><Identifier Source="ORCID">0000-0001</Identifier>
    <AffiliationInfo><Affiliation>Bern</Affiliation></AffiliationInfo>
   </Author><Author><CollectiveName>The Heart Group</CollectiveName></Author></AuthorList>
  <Language>eng</Language><Language>ger</Language>
  <DataBankList><DataBank><DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList><AccessionNumber
    >NCT00000102</AccessionNumber></AccessionNumberList></DataBank></DataBankList>
  <GrantList><Grant><GrantID>R01</GrantID></Grant></GrantList>
  <PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType></PublicationTypeList>
  <VernacularTitle>Aspirin und Wasser.</VernacularTitle>
  <ArticleDate DateType="Electronic"><Year>2004</Year><Month>05</Month><Day>17</Day></ArticleDate>
 </Article>
 <MedlineJournalInfo><Country>Switzerland</Country><MedlineTA>J Hearts</MedlineTA>
  <NlmUniqueID>0404</NlmUniqueID></MedlineJournalInfo>
 <ChemicalList><Chemical><RegistryNumber>0</RegistryNumber><NameOfSubstance UI="X">Salts</NameOfSubstance></Chemical>
  <Chemical><RegistryNumber>R16CO5Y76E</RegistryNumber><NameOfSubstance>Aspirin</NameOfSubstance></Chemical>
 </ChemicalList>
 <MeshHeadingList><MeshHeading><DescriptorName UI="D000328" MajorTopicYN="N">Adult</DescriptorName></MeshHeading>
  <MeshHeading><DescriptorName UI="D001241" MajorTopicYN="N">Aspirin</DescriptorName>
   <QualifierName UI="Q" MajorTopicYN="Y">therapeutic use</QualifierName></MeshHeading></MeshHeadingList>
 <OtherAbstract Type="Publisher"><AbstractText>In other words.</AbstractText></OtherAbstract>
 <PersonalNameSubjectList><PersonalNameSubject><LastName>Bayer</LastName><Initials>F</Initials></PersonalNameSubject>
 </PersonalNameSubjectList><CoiStatement>None.</CoiStatement>
 <InvestigatorList><Investigator><LastName>Doe</LastName><Initials>J</Initials></Investigator></InvestigatorList>
 <KeywordList Owner="NOTNLM"><Keyword MajorTopicYN="N">water</Keyword></KeywordList>
</MedlineCitation><PubmedData><History>
 <PubMedPubDate PubStatus="medline"><Year>2005</Year><Month>1</Month><Day>3</Day></PubMedPubDate>
 <PubMedPubDate PubStatus="pubmed"><Year>2004</Year><Month>5</Month><Day>18</Day></PubMedPubDate>
 <PubMedPubDate PubStatus="entrez"><Year>2004</Year><Month>5</Month><Day>19</Day></PubMedPubDate></History>
 <ArticleIdList><ArticleId IdType="pubmed">101</ArticleId><ArticleId IdType="doi">10.1/abc</ArticleId>
  <ArticleId IdType="pmc">PMC7</ArticleId></ArticleIdList></PubmedData></PubmedArticle>
"""


def _record(pmid: int, title: str, version: int = 1) -> str:
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="{version}">{pmid}</PMID><Article>'
        f"<ArticleTitle>{title}</ArticleTitle></Article><CommentsCorrectionsList><CommentsCorrections>"
        "<PMID>999</PMID></CommentsCorrections></CommentsCorrectionsList></MedlineCitation></PubmedArticle>"
    )


def _file(path: Path, *records: str) -> Path:
    head = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE PubmedArticleSet SYSTEM "nowhere.dtd">\n'
    text = f"{head}<PubmedArticleSet>{''.join(records)}</PubmedArticleSet>"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_every_field_of_a_record(tmp_path: Path) -> None:
    (document,) = read_citations(_file(tmp_path / "one.xml", RECORD), set())
    assert document == Document(
        "101",
        "Aspirin & H2O in adults.",
        "AIM: To see.\nRESULTS: We saw p < 0.05.",
        {
            "date": "2004-05-17",
            "date_entered": "2004-05-18",
            "date_created": "2004-05-19",
            "date_revised": "2006-11-15",
            "date_completed": "2005-01-02",
            "date_indexed": "2005-01-03",
            "authors": ["Müller JA Jr", "The Heart Group"],
            "affiliations": ["Bern"],
            "journal": ["Journal of hearts", "J Hearts", "J. Hearts", "1111-2222"],
            "volume": "12",
            "issue": "3",
            "pages": "1-9",
            "languages": ["eng", "ger"],
            "publication_types": ["Journal Article"],
            "mesh": [
                {"name": "Adult", "id": "D000328", "major": False, "qualifiers": []},
                {"name": "Aspirin", "id": "D001241", "major": True,
                 "qualifiers": [{"name": "therapeutic use", "major": True}]},
            ],
            "substances": ["Salts", "Aspirin", "R16CO5Y76E"],
            "keywords": ["water"],
            "other_abstracts": ["In other words."],
            "other_titles": ["Aspirin und Wasser."],
            "accessions": ["ClinicalTrials.gov/NCT00000102"],
            "grants": ["R01"],
            "identifiers": ["10.1/abc", "PMC7"],
            "country": "Switzerland",
            "status": "MEDLINE",
            "owner": "NLM",
            "author_ids": ["0000-0001"],
            "investigators": ["Doe J"],
            "persons": ["Bayer F"],
            "journal_id": "0404",
            "conflicts": "None.",
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("date", "read"),
    [
        ("<Year>1999</Year>", "1999"),
        ("<Year>1999</Year><Month>02</Month>", "1999-02"),
        ("<Year>1999</Year><Month>Dec</Month><Day>9</Day>", "1999-12-09"),
        ("<Year>1999</Year><Season>Spring</Season>", "1999-04"),
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", "1998-12"),
        ("<MedlineDate>2000 Nov 5-12</MedlineDate>", "2000-11-05"),
        ("<MedlineDate>2015-2016</MedlineDate>", "2015"),
        ("<MedlineDate>Winter</MedlineDate>", None),
        ("<Year>1999</Year><Month>13</Month>", "1999"),
    ],
)
def test_dates_as_they_are_written(date: str, read: str | None, tmp_path: Path) -> None:
    record = _record(1, "x").replace(
        "<ArticleTitle>", f"<Journal><JournalIssue><PubDate>{date}</PubDate></JournalIssue></Journal><ArticleTitle>"
    )
    (document,) = read_citations(_file(tmp_path / "a.xml", record), set())
    assert document.fields.get("date") == read


def test_updates_and_withdrawals_come_before_what_they_change(tmp_path: Path) -> None:
    old = _file(tmp_path / "1.xml.gz", _record(1, "one"), _record(2, "two"), _record(3, "three"))
    new = _file(
        tmp_path / "2.xml.gz", _record(2, "two, again"), _record(4, "four", 1), _record(4, "four, again", 2),
        "<DeleteCitation><PMID Version='1'>3</PMID>\n<PMID>5</PMID></DeleteCitation>",
    )  # fmt: skip
    seen: set[str] = set()
    found = [(each.id, each.title) for path in (new, old) for each in read_citations(path, seen)]
    assert found == [("2", "two, again"), ("4", "four, again"), ("1", "one")]


def test_a_book_a_bare_citation_and_what_is_neither(tmp_path: Path) -> None:
    book = (
        "<PubmedBookArticle><BookDocument><PMID Version='1'>7</PMID><Book><BookTitle>Genes</BookTitle><PubDate><Year>"
        "1993</Year></PubDate></Book><ArticleTitle>A gene</ArticleTitle><Abstract><AbstractText>Of it."
        "</AbstractText></Abstract></BookDocument></PubmedBookArticle>"
    )
    found = list(read_citations(_file(tmp_path / "a.xml", book, _record(8, "eight")), set()))
    assert [(each.id, each.title, each.text) for each in found] == [("7", "A gene", "Of it."), ("8", "eight", "")]
    bare = tmp_path / "bare.xml"
    bare.write_text(_record(9, "nine").replace("<PubmedArticle>", "").replace("</PubmedArticle>", ""))
    assert [each.id for each in read_citations(bare, set())] == ["9"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pmids=st.lists(st.integers(1, 6), max_size=9), gone=st.sets(st.integers(1, 6)), chunk=st.integers(1, 700))
def test_the_look_ahead_sees_what_the_parser_sees(
    pmids: list[int], gone: set[int], chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(citations, "_CHUNK", chunk)
    monkeypatch.setattr(citations, "_OVERLAP", 120)
    records = [_record(pmid, f"{place}") for place, pmid in enumerate(pmids)]
    if gone:
        records.append(f"<DeleteCitation>{''.join(f'<PMID>{pmid}</PMID>' for pmid in gone)}</DeleteCitation>")
    last = {str(pmid): str(place) for place, pmid in enumerate(pmids) if pmid not in gone}
    found = [(each.id, each.title) for each in read_citations(_file(tmp_path / "a.xml", *records), set())]
    assert dict(found) == last
    assert len(found) == len(last)


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    whole = _file(tmp_path / "a.xml", _record(1, "one"), _record(2, "two")).read_bytes()
    cut = tmp_path / "cut.xml"
    cut.write_bytes(whole[:-60])
    with pytest.raises(DataError, match=r"cut\.xml cannot be read as PubMed's XML"):
        list(read_citations(cut, set()))
    for name, content in (
        ("page.xml", b"<html><body/></html>"),
        ("text.xml.gz", b"not packed"),
        ("short.xml.gz", gzip.compress(whole)[:60]),
        ("broken.xml.gz", gzip.compress(whole)[:20] + b"\xff" * 40),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name):
            list(read_citations(tmp_path / name, set()))


def test_bytes_are_told_as_they_are_read(tmp_path: Path) -> None:
    path = _file(tmp_path / "a.xml.gz", *(_record(number, "x" * 99) for number in range(1, 200)))
    told: list[int] = []
    assert len(list(read_citations(path, set(), told.append))) == 199
    assert sum(told) == path.stat().st_size
