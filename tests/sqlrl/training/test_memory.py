"""What training will take of a device, before a weight is loaded."""

from __future__ import annotations

import pytest

from sqlrl.training.memory import available, footprint, parameters_of

transformers = pytest.importorskip("transformers")
# Qwen2.5-Coder-3B's shape, as its model card gives it.
SHAPE = transformers.Qwen2Config(
    hidden_size=2048, intermediate_size=11008, num_hidden_layers=36, num_attention_heads=16, num_key_value_heads=2,
    vocab_size=151936, tie_word_embeddings=True,
)  # fmt: skip


def test_a_shape_tells_its_parameters() -> None:
    assert parameters_of(SHAPE) == pytest.approx(3.09e9, rel=0.01)


def test_all_weights_take_sixteen_bytes_each_and_an_adapter_little() -> None:
    full = footprint(SHAPE, sequences=4, length=2560)
    assert full.weights + full.optimiser == pytest.approx(16 * 3.09e9, rel=0.01)
    adapter = footprint(SHAPE, sequences=4, length=2560, lora=32)
    assert adapter.weights + adapter.optimiser < 8e9
    assert footprint(SHAPE, sequences=4, length=2560, checkpointing=True).activations < full.activations / 2


def test_shards_share_weights_and_not_activations() -> None:
    whole = footprint(SHAPE, sequences=4, length=2560, master_weights=True)
    part = footprint(SHAPE, sequences=4, length=2560, master_weights=True, shards=8)
    assert part.weights == whole.weights // 8
    assert part.activations == whole.activations


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers, at peft
@pytest.mark.parametrize("rank", [4, 16])
def test_an_adapter_is_counted_as_peft_makes_it(rank: int) -> None:
    peft = pytest.importorskip("peft")
    small = transformers.Qwen2Config(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=100,
    )  # fmt: skip
    model = transformers.AutoModelForCausalLM.from_config(small)
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM"))
    made = sum(parameter.numel() for parameter in adapted.parameters() if parameter.requires_grad)
    need = footprint(small, sequences=1, length=1, lora=rank, on_gpu=False)
    assert need.optimiser == 12 * made


def test_this_machine_has_memory() -> None:
    name, size = available()
    assert name
    assert size > 2**28
