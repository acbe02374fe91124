"""The tiny policy, and checkpoints in folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors.errors import DataError, UnavailableError, UsageError
from sqlrl.policies import load_policy
from sqlrl.policies.tiny import TinyShape, create_model, create_tokenizer
from sqlrl.prompts import Prompter

pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

TEXTS = ["how many products are cheap", "SELECT count(*) FROM order_total WHERE price < 10"]


@pytest.fixture(scope="module")
def tiny() -> tuple[Any, Any]:
    tokenizer = create_tokenizer(TEXTS, 400)
    return create_model(tokenizer, TinyShape(hidden=32, layers=1, heads=2, feed_forward=64), seed=1), tokenizer


@pytest.fixture
def checkpoint(tiny: tuple[Any, Any], tmp_path: Path) -> Path:
    model, tokenizer = tiny
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "policy.json").write_text(json.dumps(Prompter(style="terse", thinking=False).to_dict()))
    return tmp_path


@pytest.mark.parametrize("text", [*TEXTS, "naïve 😀 <answer>{}</answer>\n\t x", "", "12345"])
def test_any_text_survives_the_tokenizer(tiny: tuple[Any, Any], text: str) -> None:
    tokenizer = tiny[1]
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"], skip_special_tokens=True) == text


def test_weights_are_drawn_by_the_seed(tiny: tuple[Any, Any]) -> None:
    tokenizer = tiny[1]
    shape = TinyShape(hidden=32, layers=1, heads=2, feed_forward=64)
    same, other = create_model(tokenizer, shape, seed=1), create_model(tokenizer, shape, seed=2)
    first = tiny[0].get_input_embeddings().weight
    assert torch.equal(first, same.get_input_embeddings().weight)
    assert not torch.equal(first, other.get_input_embeddings().weight)


def test_the_fast_loop_says_what_generate_says(tiny: tuple[Any, Any]) -> None:
    """Greedy decoding of prompts of unequal length, against transformers' own loop."""
    from sqlrl.training.rollout import sample

    model, tokenizer = tiny
    prompts = [tokenizer(text)["input_ids"] for text in (*TEXTS, "x")]
    end = tokenizer.eos_token_id
    mine = sample(model, prompts, max_tokens=12, eos_token_id=end, pad_token_id=tokenizer.pad_token_id)
    for prompt, (said,) in zip(prompts, mine, strict=True):
        theirs = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), max_new_tokens=12,
            do_sample=False,
        )[0, len(prompt) :].tolist()  # fmt: skip
        theirs = theirs[: theirs.index(end) + 1] if end in theirs else theirs
        assert [token for token in said if token != end] == [token for token in theirs if token != end]


def test_a_folder_is_a_policy_and_knows_how_it_was_asked(checkpoint: Path) -> None:
    policy = load_policy(str(checkpoint), seed=3)
    assert policy.prompter == Prompter(style="terse", thinking=False)
    prompts = [[{"role": "user", "content": text}] for text in TEXTS]
    greedy = policy.generate(prompts, max_tokens=8)
    assert greedy == policy.generate(prompts, max_tokens=8)
    assert [len(group) for group in policy.generate(prompts, n=3, temperature=1.0, max_tokens=4)] == [3, 3]


def test_a_run_stands_for_its_final_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "final").symlink_to(checkpoint)
    assert load_policy(str(run)).prompter is not None


def test_what_is_no_policy_says_why(checkpoint: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageError, match="holds no checkpoint"):
        load_policy(str(empty))
    with pytest.raises(UsageError, match="made by `sqlrl train`"):
        load_policy("tiny")
    (checkpoint / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(DataError, match="cannot be loaded"):
        load_policy(str(checkpoint))


def test_a_hub_model_without_a_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UnavailableError, match="--policy tiny"):
        load_policy("hf:nobody/no-such-model")
