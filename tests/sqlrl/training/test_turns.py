"""Dialogues in training: what they are paid, and real runs through TRL's environments, small."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from sqlrl.config import EvalConfig, TrainConfig
from sqlrl.executors.errors import UsageError
from sqlrl.training.turns import DialogueReward, dialogue_arguments


class Fixed:
    """Pays 1 for one completion."""

    least_right = 1.0
    __name__ = "fixed"

    def __call__(self, prompts: Any, completions: Any, example_id: Any, **columns: Any) -> list[float | None]:
        return [float(text == '<answer>{"sql": "SELECT 1"}</answer>') for text in completions]


class Room:
    def __init__(self, unavailable: bool) -> None:
        self.unavailable = unavailable


def _dialogue(query: str) -> list[dict[str, Any]]:
    calls = [{"type": "function", "function": {"name": "run_sql", "arguments": {"query": query}}}]
    return [
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "name": "run_sql", "content": "1\n1\n[1 row]"},
        {"role": "assistant", "content": "done"},
    ]


def test_a_dialogue_is_paid_for_its_last_word() -> None:
    reward = DialogueReward(Fixed())
    said = [_dialogue("SELECT 1"), _dialogue("SELECT 2"), [{"role": "assistant", "content": "no"}]]
    assert reward([""] * 3, said, ["a", "b", "c"]) == [1.0, 0.0, 0.0]
    assert (reward.least_right, reward.__name__) == (1.0, "fixed")
    assert pickle.loads(pickle.dumps(reward))([""], said[:1], ["a"]) == [1.0]


def test_a_database_that_did_not_answer_pays_none() -> None:
    rooms: Any = [Room(False), Room(True)]
    said = [_dialogue("SELECT 1")] * 2
    assert DialogueReward(Fixed())([""] * 2, said, ["a", "b"], environments=rooms) == [1.0, None]


def test_each_turn_has_a_bound_and_the_whole_dialogue_one() -> None:
    from sqlrl.environment import Allowance, EnvironmentFactory
    from sqlrl.judging import Judging
    from sqlrl.prompts import Prompter
    from sqlrl.training.learner import Learner

    prompter = Prompter(style="terse", turns=3)
    factory = EnvironmentFactory(Judging("strict", {}), Allowance.of(prompter, 2.0))
    learner = Learner(None, None, prompter, lambda example: "", 96, environments=factory)
    wanted = dialogue_arguments(learner)
    assert wanted["max_tool_calling_iterations"] == 2
    assert wanted["generation_kwargs"] == {"max_new_tokens": 96}
    assert wanted["max_completion_length"] >= 3 * 96 + 4 * 400
    assert dialogue_arguments(learner, "vllm")["generation_kwargs"] == {"max_tokens": 96}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"method": "sft+rft"}, "--turns goes with sft and grpo, not with rft"),
        ({"method": "rloo"}, "not with rloo"),
        ({"turns": 0}, "--turns must be at least 1, not 0"),
        ({"prefill": True}, "goes with one turn"),
    ],
)
def test_what_does_not_go_together_says_so(settings: dict[str, Any], words: str) -> None:
    pytest.importorskip("torch")
    from sqlrl.training.plan import draw_plan

    with pytest.raises(UsageError, match=words):
        draw_plan(TrainConfig("mini", **({"policy": "tiny", "turns": 3} | settings)))


def test_several_turns_are_warm_started_and_reinforced() -> None:
    pytest.importorskip("torch")
    from sqlrl.training.plan import draw_plan

    plan = draw_plan(TrainConfig("mini", policy="tiny", turns=3, limit=10))
    assert [stage.method for stage in plan.stages] == ["sft", "grpo"]
    assert plan.prompter.turns == 3
    assert plan.recipe.sampler == "trl"
    assert plan.completion_tokens > 3 * plan.recipe.max_completion_tokens
    assert draw_plan(TrainConfig("mini", policy="tiny", limit=10)).prompter.turns == 1


SMALL: dict[str, Any] = {
    "limit": 24, "sft_steps": 70, "grpo_steps": 3, "questions": 2, "num_generations": 4, "save_steps": 1,
    "threads": 1, "workers": 1, "max_completion_tokens": 40, "turns": 3, "sft_dropout": 0.0, "evaluate": False,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # TRL's and transformers' own
def test_a_policy_learns_to_look_and_is_judged_so(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from sqlrl.assessment import assess
    from sqlrl.training.run import Quiet, train

    warm = train(TrainConfig("mini", policy="tiny", out=str(tmp_path), name="warm", method="sft", **SMALL), Quiet())
    config = TrainConfig("mini", policy=str(warm.folder), out=str(tmp_path), name="run", method="grpo", **SMALL)
    run = train(config, Quiet())
    lines = [line for line in run.metrics() if "loss" in line]
    assert len(lines) == 3
    assert all(line["tool_calls"] > 0.5 for line in lines), "the warm start taught the form of a call"
    assert all(0 <= line["sampled_reward"] <= 1 and line["sampled_completions"] == 8 for line in lines)
    final = run.folder / "checkpoints" / "final"
    assert json.loads((final / "policy.json").read_text())["turns"] == 3

    asked = EvalConfig("mini", policy=str(run.folder), split="train", limit=20, threads=1, workers=1, max_tokens=40)
    several = assess(asked, Quiet(), keep=False)
    assert all(item.details["turns"] >= 1 for item in several.items)
    assert any("run_sql: " in item.completion for item in several.items)
    assert any("calls of tools a question" in note for note in several.notes)
    asked.turns = 1
    first = assess(asked, Quiet(), keep=False)
    assert {item.details["turns"] for item in first.items} == {1}
    assert any(item.predicted for item in first.items), "the query of a call that is not run is an answer"

    resumed = _killed_and_resumed(config, tmp_path, Quiet())
    assert _without_times(resumed.metrics()) == _without_times(run.metrics())


def _killed_and_resumed(config: TrainConfig, out: Path, progress: Any) -> Any:
    """The same run under another name, ended without a word at its second step, and gone on with."""
    from sqlrl.training.run import train
    from sqlrl.training.scoring import Scoring

    class Killed(BaseException):
        pass

    look = Scoring.look

    def die(self: Any, learner: Any, stage: Any, step: int, recorder: Any) -> None:
        look(self, learner, stage, step, recorder)
        if step == 2:
            raise Killed

    config.name = "killed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scoring, "look", die)
        with pytest.raises(Killed):
            train(config, progress)
    return train(config, progress, resume=out / "killed")


def _without_times(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if not key.endswith("seconds")} for line in lines]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_policy_of_one_turn_cannot_be_asked_to_look(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    from sqlrl.assessment import assess
    from sqlrl.training.run import Quiet, train

    one = SMALL | {"turns": 1, "method": "sft", "sft_steps": 2}
    run = train(TrainConfig("mini", policy="tiny", out=str(tmp_path), name="one", **one), Quiet())
    with pytest.raises(UsageError, match="knows no tools"):
        assess(EvalConfig("mini", policy=str(run.folder), turns=3, limit=2), Quiet(), keep=False)


def test_turns_are_for_policies_on_this_machine(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from sqlrl.assessment import assess
    from sqlrl.training.run import Quiet

    script = tmp_path / "script.jsonl"
    script.write_text(json.dumps({"question": "x", "completion": "y"}))
    with pytest.raises(UsageError, match="--turns is for policies on this machine"):
        assess(EvalConfig("mini", policy=f"script:{script}", turns=2, limit=2), Quiet(), keep=False)


def test_our_loop_hands_over_what_was_said_and_what_was_shown() -> None:
    pytest.importorskip("torch")
    from types import SimpleNamespace

    from sqlrl.dialogue import Dialogue
    from sqlrl.training.groups import Groups
    from sqlrl.training.turns import WordReward

    def converse(examples: Any, *, n: int, **_: Any) -> list[list[Dialogue]]:
        held = [Dialogue(_dialogue(f"SELECT {1 + number}"), [7, 8, 9], [1, 0, 1]) for number in range(n)]
        held[-1].unavailable = True
        return [held for _ in examples]

    learner: Any = SimpleNamespace(
        environments=object(),
        converse=converse,
        prompt_ids=lambda example: [5],
        tokenizer=SimpleNamespace(eos_token_id=9),
    )
    examples: Any = [SimpleNamespace(id="a", question="?", labels={})]
    groups = Groups(learner, examples, Fixed(), size=3, temperature=1.0, seed=0)
    found = groups([None] * 3, SimpleNamespace(state=SimpleNamespace(global_step=0)))
    assert found["completion_ids"] == [[7, 8, 9]] * 3
    assert found["env_mask"] == [[1, 0, 1]] * 3
    assert found["word"] == [f'<answer>{{"sql": "SELECT {n}"}}</answer>' for n in (1, 2, 3)]
    assert [row["reward"] for row in groups.seen] == [1.0, 0.0, None]
    paid = WordReward(Fixed())([""] * 3, ["unread"] * 3, found["example_id"], found["word"])
    assert paid == [1.0, 0.0, 0.0]
