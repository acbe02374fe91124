"""A citation: one of PubMed's records (an element of its XML) as a document.

A document's id is the PMID, its text the abstract with the names of its sections. Its fields, each only where known:

    date              str   published: 2004, 2004-05 or 2004-05-17           [dp]
    date_entered      str   added to PubMed, date_created likewise           [edat] [crdt]
    date_revised      str                                                    [lr]
    date_completed    str   date_indexed likewise                            [dcom] [mhda]
    authors           list  "Smith JA", the first first; a group by its name [au] [1au] [cn]
    affiliations      list                                                   [ad]
    journal           list  its title, its abbreviations and its ISSNs       [ta]
    volume issue pages str                                                   [vi] [ip] [pg]
    languages         list  "eng"                                            [la]
    publication_types list                                                   [pt]
    mesh              list  {"name", "id", "major": bool, "qualifiers": [{"name", "major": bool}]}   [mh] [majr] [sh]
    substances        list  names and registry numbers                       [nm] [rn]
    keywords          list  the authors' own                                 [ot]
    other_abstracts   list  and other_titles: in other languages or words    [tiab] [tt]
    accessions        list  "ClinicalTrials.gov/NCT00000102"                 [si]
    grants            list                                                   [gr]
    identifiers       list  DOI, PMC and the like                            [aid]
    country           str   of the journal                                   [pl]
    status            str   "MEDLINE", "PubMed-not-MEDLINE" ...              [sb]
    author_ids editors investigators persons list  persons: whom it is about [auid] [ed] [ir] [ps]
    isbn              list                                                   [isbn]
    journal_id owner publisher conflicts str                                 [jid] [owner] [pubn] [cois]
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

from sqlrl.executors.documents import Document

__all__ = ["citation_document"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SEASONS = {"winter": 1, "spring": 4, "summer": 7, "fall": 10, "autumn": 10}  # as PubMed takes them


def citation_document(record: Element) -> Document | None:
    """The document of a PubmedArticle, a PubmedBookArticle or a MedlineCitation; None of what is none of these."""
    book = record.find("BookDocument")
    if book is not None:
        return _book(book)
    citation = record if record.tag == "MedlineCitation" else record.find("MedlineCitation")
    article = None if citation is None else citation.find("Article")
    if citation is None or article is None:
        return None
    more = record.find("PubmedData")
    known: dict[str, Any] = {
        "date": _published(article),
        "date_entered": _status_date(more, "pubmed") or _day(citation.find("DateCreated")),
        "date_created": _status_date(more, "entrez") or _day(citation.find("DateCreated")),
        "date_revised": _day(citation.find("DateRevised")),
        "date_completed": _day(citation.find("DateCompleted")),
        "date_indexed": _status_date(more, "medline"),
        "authors": [_name(author) for author in article.iterfind("AuthorList/Author")],
        "affiliations": [
            *_texts(article, "AuthorList/Author/AffiliationInfo/Affiliation"), *_texts(article, "Affiliation"),
        ],
        "journal": [
            *_texts(article, "Journal/Title"), *_texts(citation, "MedlineJournalInfo/MedlineTA"),
            *_texts(article, "Journal/ISOAbbreviation"), *_texts(article, "Journal/ISSN"),
            *_texts(citation, "MedlineJournalInfo/ISSNLinking"),
        ],
        "volume": _text(article.find("Journal/JournalIssue/Volume")),
        "issue": _text(article.find("Journal/JournalIssue/Issue")),
        "pages": _text(article.find("Pagination/MedlinePgn")),
        "languages": _texts(article, "Language"),
        "publication_types": _texts(article, "PublicationTypeList/PublicationType"),
        "mesh": [_heading(heading) for heading in citation.iterfind("MeshHeadingList/MeshHeading")],
        "substances": [
            *_texts(citation, "ChemicalList/Chemical/NameOfSubstance"),
            *(number for number in _texts(citation, "ChemicalList/Chemical/RegistryNumber") if number != "0"),
            *_texts(citation, "SupplMeshList/SupplMeshName"),
        ],
        "keywords": _texts(citation, "KeywordList/Keyword"),
        "other_abstracts": [_abstract(other) for other in citation.iterfind("OtherAbstract")],
        "other_titles": _texts(article, "VernacularTitle"),
        "accessions": [
            f"{_text(bank.find('DataBankName'))}/{number}"
            for bank in article.iterfind("DataBankList/DataBank")
            for number in _texts(bank, "AccessionNumberList/AccessionNumber")
        ],
        "grants": _texts(article, "GrantList/Grant/GrantID"),
        "identifiers": [
            *_texts(article, "ELocationID"), *(_texts(more, "ArticleIdList/ArticleId") if more is not None else []),
        ],
        "country": _text(citation.find("MedlineJournalInfo/Country")),
        "status": citation.get("Status", ""),
        "owner": citation.get("Owner", ""),
        "author_ids": _texts(article, "AuthorList/Author/Identifier"),
        "investigators": [_name(each) for each in citation.iterfind("InvestigatorList/Investigator")],
        "persons": [_name(each) for each in citation.iterfind("PersonalNameSubjectList/PersonalNameSubject")],
        "journal_id": _text(citation.find("MedlineJournalInfo/NlmUniqueID")),
        "conflicts": _text(citation.find("CoiStatement")),
    }  # fmt: skip
    name = _text(citation.find("PMID"))
    known["identifiers"] = [number for number in known["identifiers"] if number != name]
    return Document(name, _text(article.find("ArticleTitle")), _abstract(article.find("Abstract")), _kept(known))


def _book(book: Element) -> Document:
    title = _text(book.find("ArticleTitle")) or _text(book.find("Book/BookTitle"))
    known: dict[str, Any] = {
        "date": _day(book.find("ContributionDate")) or _day(book.find("Book/PubDate")),
        "date_revised": _day(book.find("DateRevised")),
        "authors": [_name(author) for author in book.iterfind("AuthorList[@Type='authors']/Author")]
        or [_name(author) for author in book.iterfind("AuthorList/Author")],
        "editors": [_name(author) for author in book.iterfind("Book/AuthorList[@Type='editors']/Author")],
        "isbn": _texts(book, "Book/Isbn"),
        "publisher": _text(book.find("Book/Publisher/PublisherName")),
        "journal": _texts(book, "Book/BookTitle"),
        "languages": _texts(book, "Language"),
        "publication_types": _texts(book, "PublicationType"),
        "keywords": _texts(book, "KeywordList/Keyword"),
        "identifiers": [*_texts(book, "ArticleIdList/ArticleId")],
    }
    return Document(_text(book.find("PMID")), title, _abstract(book.find("Abstract")), _kept(known))


def _kept(known: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known, or known twice."""
    return {
        name: list(dict.fromkeys(value)) if isinstance(value, list) and name != "mesh" else value
        for name, value in known.items()
        if value
    }


def _text(element: Element | None) -> str:
    """With what is set in italics, raised or lowered, in one line."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _texts(element: Element, path: str) -> list[str]:
    return [text for found in element.iterfind(path) if (text := _text(found))]


def _abstract(element: Element | None) -> str:
    if element is None:
        return ""
    parts = []
    for part in element.iterfind("AbstractText"):
        label, text = part.get("Label", ""), _text(part)
        parts.append(f"{label}: {text}" if label and text else text)
    return "\n".join(part for part in parts if part)


def _name(author: Element) -> str:
    group = _text(author.find("CollectiveName"))
    initials = _text(author.find("Initials")) or _text(author.find("ForeName"))
    suffix = _text(author.find("Suffix"))
    return group or " ".join(part for part in (_text(author.find("LastName")), initials, suffix) if part)


def _heading(heading: Element) -> dict[str, Any]:
    name = heading.find("DescriptorName")
    qualifiers = [
        {"name": _text(each), "major": each.get("MajorTopicYN") == "Y"} for each in heading.iterfind("QualifierName")
    ]
    main = name is not None and name.get("MajorTopicYN") == "Y"
    return {
        "name": _text(name),
        "id": "" if name is None else name.get("UI", ""),
        # A heading is a major topic as well where one of its qualifiers is.
        "major": main or any(each["major"] for each in qualifiers),
        "qualifiers": qualifiers,
    }


def _published(article: Element) -> str:
    """The issue's date or the day on which the article itself appeared, whichever was first."""
    dates = [_day(article.find("Journal/JournalIssue/PubDate"))]
    dates += [_day(each) for each in article.iterfind("ArticleDate")]
    known = [date for date in dates if date]
    # 2004 is not before 2004-05-17, and says less.
    return min(known, key=lambda date: date + "-99" * (2 - date.count("-"))) if known else ""


def _status_date(more: Element | None, status: str) -> str:
    return "" if more is None else _day(more.find(f"History/PubMedPubDate[@PubStatus='{status}']"))


def _day(date: Element | None) -> str:
    """2004, 2004-05 or 2004-05-17; of a span such as "1998 Dec-1999 Jan" its beginning."""
    if date is None:
        return ""
    year, month, day = (_text(date.find(name)) for name in ("Year", "Month", "Day"))
    if not year:
        written = _text(date.find("MedlineDate"))
        found = re.search(r"\b(?:1[5-9]|20)\d\d\b", written)
        if found is None:
            return ""
        year = found[0]
        after = re.match(r"[\s,]*([A-Za-z]+)\s*(\d{1,2})?\b", written[found.end() :])
        month, day = (after[1], after[2] or "") if after else ("", "")
    month = month or _text(date.find("Season"))
    word = month[:3].lower()
    if month.isdigit():
        number = int(month)
    else:
        number = _MONTHS.index(word) + 1 if word in _MONTHS else _SEASONS.get(month.lower(), 0)
    if not 1 <= number <= 12:
        return year
    return f"{year}-{number:02}" + (f"-{int(day):02}" if day.isdigit() and 1 <= int(day) <= 31 else "")
