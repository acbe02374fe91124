"""Recipes: each can be loaded and flown dry; every key is documented, checked, and overridden by its flag."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from sqlrl.config import TrainConfig
from sqlrl.executors.errors import DataError, UsageError
from sqlrl.training.grpo import Reinforcement
from sqlrl.training.launch import Launch
from sqlrl.training.plan import draw_plan
from sqlrl.training.preflight import fly
from sqlrl.training.recipe import KEYS, LOSSES, Recipe, load_recipe, recipe_for, recipe_names


def test_every_key_is_documented_and_is_a_flag_where_it_can_be() -> None:
    assert {field.name for field in fields(Recipe)} == set(KEYS)
    flags = {field.name for field in fields(TrainConfig)}
    no_flag = {
        "about", "default_method", "device_gb", "sft_batch", "rft_samples", "rft_keep", "rft_learning_rate",
        "rft_replay", "rft_repeat", "grpo_schedule", "control_steps", "vocabulary",
    }  # fmt: skip
    assert set(KEYS) - flags == no_flag


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_flown_dry(name: str) -> None:
    """What stops it on a machine without devices or vLLM is just that."""
    pytest.importorskip("trl")
    recipe = load_recipe(name)
    assert recipe.about
    processes = Launch(recipe.processes, recipe.launcher, devices=recipe.processes).as_processes()
    assert processes.sharded == (recipe.launcher in ("zero3", "fsdp2"))
    flight = fly(draw_plan(TrainConfig("mini", recipe=name, limit=64), processes=processes))
    assert {check.what for check in flight.stops()} <= {"sampler", "memory, roughly"}
    assert any(check.what == "batches" for check in flight.checks)


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("method", ["grpo", "rloo"])
def test_trl_knows_every_setting_that_a_recipe_leads_to(name: str, method: str, tmp_path: Path) -> None:
    import dataclasses

    trl = pytest.importorskip("trl")
    recipe = load_recipe(name)
    settings = Reinforcement(
        method, questions=recipe.questions, size=recipe.num_generations, loss=recipe.loss,
        scale=recipe.scale_rewards, sampler=recipe.sampler, vllm_server=recipe.vllm_server,
        micro_batch=recipe.micro_batch, gradient_checkpointing=recipe.gradient_checkpointing,
    )  # fmt: skip
    known = {field.name for field in dataclasses.fields(getattr(trl, f"{method.upper()}Config"))}
    assert set(settings.arguments(recipe.processes)) <= known


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("loss", LOSSES)
def test_trl_takes_every_loss(loss: str, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    wanted = Reinforcement(loss=loss).arguments()
    arguments = trl.GRPOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, **wanted)
    assert arguments.importance_sampling_level == ("sequence" if loss in ("gspo", "luspo") else "token")


def test_a_flag_overrides_a_key_and_a_file_extends_a_recipe(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("extends: 3b-1gpu\nabout: ours\nquestions: 32\nbeta: 1\n")
    recipe = recipe_for("large", "spider", TrainConfig("spider", recipe=str(own), num_generations=4, lora=16))
    assert (recipe.about, recipe.questions, recipe.num_generations, recipe.lora, recipe.beta) == (
        "ours",
        32,
        4,
        16,
        1.0,
    )
    assert recipe.micro_batch == load_recipe("3b-1gpu").micro_batch


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: large\nquestion: 3\n", "no key 'question'; did you mean 'questions'?"),
        ("extends: large\nloss: dapoo\n", "no loss 'dapoo'; did you mean 'dapo'?"),
        ("extends: large\nquestions: many\n", "questions must be a whole number, not 'many'"),
        ("extends: large\nquestions: true\n", "questions must be a whole number"),
        ("extends: larg\n", "no recipe 'larg'; did you mean 'large'?"),
        ("about: alone\n", "'beta' is missing"),
    ],
)
def test_a_wrong_file_gets_the_nearest_word(tmp_path: Path, text: str, message: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_recipe(str(own))
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["- a list\n", "a: [\n", ""])
def test_a_file_that_is_no_recipe(tmp_path: Path, text: str) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(text)
    with pytest.raises(DataError):
        load_recipe(str(own))


def test_a_file_that_extends_itself(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(f"extends: {own}\n")
    with pytest.raises(UsageError, match="extends itself"):
        load_recipe(str(own))
