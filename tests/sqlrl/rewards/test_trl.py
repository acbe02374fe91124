"""The reward in TRL's own trainer, without anything of ours around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.prompts import Prompter
from sqlrl.rewards import ExecutionReward
from sqlrl.rewards.presets import KINDS

pytest.importorskip("trl")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TRL's and transformers' own
]


def test_trl_logs_parts_kinds_and_seconds(shop: Path, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import GRPOTrainer

    from sqlrl.policies.tiny import create_model, create_tokenizer
    from sqlrl.training.trainers import training_arguments

    benchmark = load_benchmark("spider", shop)
    examples, prompter = benchmark.examples("train"), Prompter(style="terse")
    prompts = [prompter.messages(example, "") for example in examples]
    tokenizer = create_tokenizer([prompt[0]["content"] for prompt in prompts], 400)
    model = create_model(tokenizer, seed=0)
    reward = ExecutionReward.of(benchmark, examples, prompter, "sql-r1", workers=1)
    arguments = training_arguments(
        "GRPOConfig", model, output_dir=str(tmp_path), per_device_train_batch_size=4, num_generations=2,
        max_completion_length=8, max_steps=2, save_strategy="no", seed=0,
    )  # fmt: skip
    columns = {"prompt": prompts, "example_id": [example.id for example in examples]}
    trainer = GRPOTrainer(
        model=model, reward_funcs=[reward], args=arguments, train_dataset=Dataset.from_dict(columns),
        processing_class=tokenizer,
    )  # fmt: skip
    with reward.judging:
        trainer.train()
    steps = [line for line in trainer.state.log_history if "reward" in line]
    assert len(steps) == 2
    for line in steps:  # a policy that was never taught writes no answer
        assert line["rewards/sql-r1/mean"] == line["reward/format"] == -1.0
        assert [line[f"reward/{kind}"] for kind in KINDS] == [0, 0, 0, 1, 0]
        assert line["reward/seconds"] > 0
    assert {"query", "reason", "format"} <= set(trainer._logs["extra"])
