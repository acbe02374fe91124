"""What is checked before anything is spent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sqlrl.config import TrainConfig
from sqlrl.executors.errors import UsageError
from sqlrl.training.plan import Plan, draw_plan
from sqlrl.training.preflight import Preflight, fly
from sqlrl.training.processes import Processes

pytest.importorskip("trl")


def _found(plan: Plan) -> dict[str, str]:
    return {check.what: check.found for check in fly(plan).checks}


def _stops(plan: Plan) -> dict[str, str]:
    return {check.what: check.found for check in fly(plan).stops()}


def test_tokens_steps_golds_and_memory_are_told() -> None:
    found = _found(draw_plan(TrainConfig("mini", method="sft+rft+grpo")))
    assert "k" in found["parameters"]
    assert "on average" in found["prompt tokens"]
    assert "steps of 16 questions x 16 completions, 8 of each trained on" in found["stage 2-grpo"]
    assert "GiB" in found["memory, roughly"]
    assert found["golds that run"] == "800 of 800 looked at among 2,400"
    assert "by the benchmark's design: databases, queries" in found["shared with test (800)"]
    unknown = _found(draw_plan(TrainConfig("mini", policy="hf:nobody/no-model", method="grpo")))
    assert "not on this machine" in unknown["memory"]


def test_what_is_drawn_beyond_what_is_trained_on_is_told() -> None:
    found = _found(draw_plan(TrainConfig("mini", method="grpo", grpo_samples=32)))
    assert "16 questions x 32 completions, 8 of each trained on" in found["stage 0-grpo"]


def test_a_held_out_question_in_training_stops_unless_told(shop: Path) -> None:
    """The fixture's development questions are its training questions."""
    stops = _stops(draw_plan(TrainConfig("spider", data=str(shop))))
    assert "questions 4, queries 4, databases 4" in stops["shared with validation (4)"]
    assert "--overlap" in stops["shared with validation (4)"]
    assert not _stops(draw_plan(TrainConfig("spider", data=str(shop), overlap=True)))


def test_a_shared_database_alone_stops_where_databases_are_to_be_new(shop: Path) -> None:
    file = shop / "spider" / "dev.json"
    items = json.loads(file.read_text())
    file.write_text(json.dumps([items[0] | {"question": "another?", "query": "SELECT 1 FROM product"}]))
    stops = _stops(draw_plan(TrainConfig("spider", data=str(shop))))
    assert stops["shared with validation (1)"].startswith("databases 1: databases should not be")


def test_training_does_not_begin_over_an_overlap(shop: Path, tmp_path: Path) -> None:
    from sqlrl.training.run import train

    seen: list[Preflight] = []
    with pytest.raises(UsageError, match="shared with validation"):
        train(TrainConfig("spider", data=str(shop), out=str(tmp_path / "runs")), show=seen.append)
    assert seen
    assert seen[0].stops()
    assert not list((tmp_path / "runs").glob("*/checkpoints/*"))


def test_long_prompts_are_counted_and_named(shop: Path) -> None:
    plan = draw_plan(TrainConfig("spider", data=str(shop), overlap=True, max_prompt_tokens=3))
    flight = fly(plan)
    lengths = {check.what: check.found for check in flight.checks}
    assert len(flight.too_long) == 4
    assert "4 of 4 are longer than 3 tokens" in lengths["prompts too long"]
    assert [check.what for check in flight.stops()] == ["prompts too long"]


@pytest.mark.parametrize(
    ("settings", "processes", "message"),
    [
        ({"questions": 3}, 2, "3 questions a step cannot be shared by 2 processes"),
        ({"method": "sft"}, 3, "32 sequences a step cannot be shared by 3 processes"),
    ],
)
def test_batches_that_do_not_divide_stop(settings: dict[str, Any], processes: int, message: str) -> None:
    config = TrainConfig("mini", **({"method": "grpo"} | settings))
    plan = draw_plan(config, processes=Processes(count=processes, here=processes))
    assert message in _stops(plan)["batches"]


def test_a_sampler_that_is_not_there_stops() -> None:
    plan = draw_plan(TrainConfig("mini", method="grpo"))
    sharded = replace(plan, processes=Processes(count=2, here=2, sharded=True))
    assert "whole weights" in _stops(sharded)["sampler"]
    import importlib.util

    if importlib.util.find_spec("vllm") is None:
        assert "trl[vllm]" in _stops(draw_plan(TrainConfig("mini", method="grpo", sampler="vllm")))["sampler"]


def test_what_was_checked_is_read_again(tmp_path: Path) -> None:
    flight = Preflight(too_long=["a"])
    flight.add("batches", "none", "stop")
    path = tmp_path / "preflight.json"
    path.write_text(json.dumps(flight.to_dict()))
    assert Preflight.read(path) == flight


def test_a_live_service_is_not_asked_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NCBI_API_KEY", raising=False)
    pytest.importorskip("httpx")
    line = {"id": "1", "pico": dict.fromkeys("PICO", "aspirin"), "publication_pmids": ["1"], "pub_date": "2020/01/01"}
    for split, number in (("train", "2"), ("dev", "3"), ("test", "4")):
        asked = {**line, "id": number, "pico": dict.fromkeys("PICO", f"aspirin {number}")}
        (tmp_path / f"{split}.jsonl").write_text(json.dumps(asked) + "\n")
    plan = draw_plan(TrainConfig("pubmed", data=str(tmp_path), policy="tiny"))
    assert not [note for note in plan.notes if "sentences of the corpus" in note]  # of a corpus that is not here
    assert "PubMed itself, with at most 3 requests a second: 1,000 new queries take 6 minutes" in _found(plan)["corpus"]
