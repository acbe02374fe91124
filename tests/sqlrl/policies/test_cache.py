"""Answers on disk: whole after a kill, shared, and nobody else's to read."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from sqlrl.executors.errors import UsageError
from sqlrl.policies.cache import Answer, AnswerCache, answer_key

BASE = "http://host/v1"


def test_an_answer_survives(tmp_path: Path) -> None:
    answer = Answer('naïve "😀" \ud83d\n', "stop", 3, None)
    cache = AnswerCache(tmp_path, BASE, "org/model:7b")
    cache.put("k", answer)
    cache.close()
    again = AnswerCache(tmp_path, BASE, "org/model:7b")
    found = again.get("k")
    assert found is not None
    assert found.text.startswith('naïve "😀" ')
    assert (found.finish, found.prompt_tokens, found.completion_tokens) == ("stop", 3, None)
    assert again.get("other") is None
    assert stat.S_IMODE(again.path.stat().st_mode) == 0o600
    assert again.path.name.startswith("org-model-7b-")


def test_a_line_torn_by_a_kill_spoils_no_other(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, BASE, "m")
    cache.put("a", Answer("1"))
    with cache.path.open("a") as file:
        file.write('{"key": "b", "text": "ha')
    again = AnswerCache(tmp_path, BASE, "m")
    again.put("c", Answer("3"))
    last = AnswerCache(tmp_path, BASE, "m")
    assert [last.get(key) is not None for key in "abc"] == [True, False, True]


def test_two_may_write_at_once(tmp_path: Path) -> None:
    one, two = AnswerCache(tmp_path, BASE, "m"), AnswerCache(tmp_path, BASE, "m")
    for index in range(50):
        (one, two)[index % 2].put(str(index), Answer("x" * 5000))
    assert len(AnswerCache(tmp_path, BASE, "m")) == 50
    assert all(json.loads(line) for line in one.path.read_text().splitlines())


def test_models_and_servers_are_kept_apart(tmp_path: Path) -> None:
    places = {AnswerCache(tmp_path, base, model).path for base in (BASE, "http://b/v1") for model in ("m", "m/", "M")}
    assert len(places) == 6


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="no answers can be kept in"):
        AnswerCache(tmp_path / "file", BASE, "m")


def test_a_key_is_of_all_that_was_asked() -> None:
    asked = {"temperature": 0.5, "max_tokens": 7, "seed": 0, "index": 0}
    messages = [{"role": "user", "content": "q"}]
    key = answer_key(BASE, "m", messages, **asked)
    assert key == answer_key(BASE, "m", [{"content": "q", "role": "user"}], **asked)
    others = {answer_key(BASE, "m", messages, **{**asked, name: value + 1}) for name, value in asked.items()}
    others |= {answer_key("x", "m", messages, **asked), answer_key(BASE, "x", messages, **asked)}
    others.add(answer_key(BASE, "m", [{"role": "user", "content": "r"}], **asked))
    assert len(others | {key}) == 8
