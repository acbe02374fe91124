"""Sentences that are given back as queries: their forms, and that they are the same for a seed."""

from __future__ import annotations

import random
from collections import Counter

from sqlrl.benchmarks.generation.echoes import echoes, write_echo
from sqlrl.executors.documents import Document
from sqlrl.executors.words import STOP_WORDS

DOCUMENTS = [
    Document("1", "Aspirin and the heart", "Aspirin lowers the risk of a stroke. Nobody knows. It costs (2 EUR)!"),
    Document("2", "", "Statins do not help everyone who has high cholesterol in the blood? They help some of them."),
]


def test_sentences_of_a_fit_length_are_asked_in_turn() -> None:
    made = echoes(DOCUMENTS, count=400)
    plain = Counter(one.example.question for one in made)
    assert len(made) == 400
    said = {"Aspirin and the heart", "Aspirin lowers the risk of a stroke.", "They help some of them."}
    assert said < set(plain)
    assert "Nobody knows." not in plain  # too short to be a question
    assert all(one.example.gold.relevant == {} for one in made)
    assert len({one.example.id for one in made}) == 400


def test_half_of_the_sentences_have_words_that_there_are_not() -> None:
    known = {word for document in DOCUMENTS for word in f"{document.title} {document.text}".split()}
    made = echoes(DOCUMENTS, count=400)
    blended = sum(any(word not in known for word in one.example.question.split()) for one in made)
    assert 120 < blended < 230


def test_a_seed_is_always_the_same_and_another_is_not() -> None:
    assert echoes(DOCUMENTS, seed=3, count=40) == echoes(DOCUMENTS, seed=3, count=40)
    assert echoes(DOCUMENTS, seed=3, count=40) != echoes(DOCUMENTS, seed=4, count=40)
    assert echoes([], count=40) == []
    assert echoes([Document("1", "Short", "Too short.")], count=40) == []


def test_the_forms_of_an_echo() -> None:
    words = ["The", "risk", "of", "a", "stroke", "is", "lower", "with", "aspirin."]
    generator = random.Random(5)
    written = Counter(write_echo(words, generator) for _ in range(2_000))
    whole = "The risk of a stroke is lower with aspirin"
    assert 0.3 < written[whole] / 2_000 < 0.5
    assert written["risk stroke lower aspirin"] > 200
    for query in written:
        said = Counter(query.split())
        missing = Counter(whole.split()) - said
        again = said - Counter(whole.split())
        assert not (missing and again)  # words are left out or said twice
        assert len(again) <= 3
        assert not set(again) & set(STOP_WORDS)
        assert len(missing) <= 2 or query == "risk stroke lower aspirin"
    # A sentence of stop words alone is still asked.
    assert {write_echo(["It", "is", "what", "it", "is"], generator) for _ in range(50)} >= {"It is what it is"}
