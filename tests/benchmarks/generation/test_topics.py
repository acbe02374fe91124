"""Concepts, topics and exercises: questions that a machine makes from a corpus, with what is relevant for each."""

from __future__ import annotations

import random
import re

import pytest

pytest.importorskip("numpy")

from hypothesis import given
from hypothesis import strategies as st

from sqlrl.benchmarks.generation.concepts import find_concepts, phrases
from sqlrl.benchmarks.generation.exercises import MADE, Exercises
from sqlrl.benchmarks.generation.searches import searches, write_query
from sqlrl.benchmarks.generation.topics import FEWEST, MOST, draw_topics, write_question
from sqlrl.executors.boolean.pubmed import parse
from sqlrl.executors.documents import Document

DRUGS = ("aspirin", "codeine", "insulin", "statin", "zolmitriptan")
ILLS = ("fever", "angina", "gout", "migraine", "asthma", "eczema")


def corpus(copies: int = 20) -> list[Document]:
    """Each drug in each illness; zolmitriptan is given in migraine alone, and half of the studies compare."""
    documents = []
    for drug in DRUGS:
        for ill in ILLS:
            for number in range(copies):
                if drug == "zolmitriptan" and ill != "migraine":
                    continue
                how = "A randomized trial" if number % 2 else "A case"
                text = f"{how} of what was seen. The {drug} was given, and {drug} helped; {ill} went, {ill} came."
                documents.append(Document(f"{drug}-{ill}-{number}", f"Of {drug} for {ill}", text))
    return documents


def test_concepts_are_words_of_content() -> None:
    found = find_concepts(corpus(), [True] * len(corpus()))
    words = {concept.words for concept in found.concepts}
    assert words >= {"aspirin", "codeine", "insulin", "zolmitriptan", "gout"}
    assert not words & {"given", "seen", "helped", "the", "randomized"}


def test_a_document_is_about_what_it_names_and_about_what_its_narrower_words_belong_to() -> None:
    documents = corpus()
    # It says nothing of migraine, but every other study of its drug does.
    documents.append(Document("silent", "Of zolmitriptan for pilots", "We gave it."))
    found = find_concepts(documents, [True] * len(documents))
    place = {concept.words: column for column, concept in enumerate(found.concepts)}
    row = found.ids.index("silent")
    assert found.about[row, place["zolmitriptan"]]
    assert found.about[row, place["migraine"]]
    assert not found.about[row, place["gout"]]
    assert found.about[found.ids.index("aspirin-gout-0"), place["aspirin"]]
    assert not found.about[found.ids.index("aspirin-gout-0"), place["codeine"]]


def test_what_compares_is_known_by_its_words() -> None:
    found = find_concepts(corpus(), [True] * len(corpus()))
    told = dict(zip(found.ids, found.compares.tolist(), strict=True))
    assert told["aspirin-gout-1"]
    assert not told["aspirin-gout-0"]


def test_topics_are_about_both_concepts_and_of_effects_about_comparisons() -> None:
    documents = corpus(40)
    found = find_concepts(documents, [True] * len(documents))
    topics = draw_topics(found, 50, random.Random(1))
    assert topics == draw_topics(found, 50, random.Random(1))
    assert len({topic.concepts[:2] for topic in topics}) == len(topics) > 5
    by_id = {document.id: document for document in documents}
    for topic in topics:
        assert FEWEST <= len(topic.relevant) <= MOST
        first, *others = topic.concepts
        for name in topic.relevant:
            text = by_id[name].contents.lower()
            assert first in text or first == "migraine"
            assert any(other in text for other in others)
            assert not topic.effects or "random" in text
        assert all(word in topic.question.lower() for word in topic.concepts)


@given(st.integers(0, 10_000), st.booleans())
def test_every_search_to_imitate_can_be_run(seed: int, effects: bool) -> None:
    generator = random.Random(seed)
    words = ["acute migraine", "gout", "attention deficit (AD)"][: generator.choice((2, 3))]
    query = write_query(words, effects, generator)
    assert all("without a tag" in warning for warning in parse(query).warnings)
    written = set(re.findall(r"[a-z]{3,}", re.sub(r"\[\w+\]", "", query.lower()))) - {
        "and",
        "random",
        "placebo",
        "trial",
    }
    question = write_question(words, effects, generator).lower()
    assert all(any(word.startswith(beginning) for word in re.findall(r"[a-z]+", question)) for beginning in written)


def test_a_left_out_part_lends_training_no_word() -> None:
    documents = corpus(40)
    known = ["zolmitriptan" not in document.id and "gout" not in document.id for document in documents]
    exercises = Exercises(documents, known)
    splits = {split: exercises.examples(split) for split in MADE}
    assert all(splits.values())
    for split in ("train", "validation"):
        assert not any("gout" in e.question.lower() or "zolmi" in e.question.lower() for e in splits[split])
    assert all("gout" in e.question.lower() or "zolmi" in e.question.lower() for e in splits["made"])
    assert not {e.question for e in splits["train"]} & {e.question for e in splits["validation"]}
    assert splits == {split: Exercises(documents, known).examples(split) for split in MADE}


def test_what_is_imitated_is_of_no_concept_and_the_same_whatever_is_left_out() -> None:
    documents = [*corpus(20), *(Document(f"x{n}", f"Odd remark number{n} on pilots", "") for n in range(5))]
    made = Exercises(documents, ["gout" in document.id for document in documents]).demonstrations()
    assert made == Exercises(documents, [True] * len(documents)).demonstrations()
    assert len(made) > 10_000
    assert all(d.query for d in made)
    concepts = {concept.words for concept in find_concepts(documents, [True] * len(documents)).concepts}
    asked = {word for d in made for word in d.example.question.lower().strip("?").split()}
    assert not asked & concepts


def test_searches_are_drawn_from_their_words_and_halves_of_these() -> None:
    words = ["acute remark", "pilots"]
    made = searches(words, 3, 200)
    assert made == searches(words, 3, 200) != searches(words, 4, 200)
    assert any("acute remark" in d.example.question.lower() for d in made)
    assert any("pilark" in d.example.question.lower() for d in made)  # of pilots and remark


def test_phrases_stand_side_by_side_and_leave_out_what_is_said() -> None:
    assert phrases([Document("1", "Effects of the long-acting opioid in chronic pain")], without={"pain"}) == [
        "effects", "long-acting", "long-acting opioid", "opioid", "chronic",
    ]  # fmt: skip
