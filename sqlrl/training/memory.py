"""Memory: what training a model will take of a device, counted from its shape before any weight is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Footprint", "available", "footprint", "parameters_of"]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes on one device. weights: of the model; optimiser: gradients and Adam's moments of what is trained;
    activations: of one micro batch, logits included; engine: what vLLM sets aside."""

    weights: int
    optimiser: int
    activations: int
    engine: int = 0

    @property
    def total(self) -> int:
        return self.weights + self.optimiser + self.activations + self.engine


def footprint(
    config: Any, *, sequences: int, length: int, lora: int = 0, shards: int = 1, on_gpu: bool = True,
    checkpointing: bool = False, master_weights: bool = False, engine: int = 0,
) -> Footprint:  # fmt: skip
    """config: transformers'. sequences, length: of a micro batch, in tokens. shards: devices that weights and optimiser
    are spread over. A rough bound: activations as Korthikanti et al. (arXiv 2205.05198) count them, 34 numbers a hidden
    unit and token a layer in half width, 2 where they are computed twice; three copies of the logits at full width.
    """
    parameters = parameters_of(config)
    trained = _adapter(config, lora) if lora else parameters
    full = 4 if not on_gpu or not (lora or master_weights) else 2  # bytes of a weight
    weights = full * parameters + (4 * trained if lora else 0)
    optimiser = (4 + 8 + (4 if master_weights else 0)) * trained
    tokens = sequences * length
    layers = tokens * config.hidden_size * config.num_hidden_layers * (2 if checkpointing else 34)
    logits = 3 * 4 * tokens * config.vocab_size
    return Footprint(weights // shards, optimiser // shards, layers * (1 if on_gpu else 2) + logits, engine)


def parameters_of(config: Any) -> int:
    """How many numbers a model of this shape has; none is made."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())


def available() -> tuple[str, int]:
    """(name, bytes) of this process's device: the GPU, else the machine's memory that is free."""
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return str(properties.name), int(properties.total_memory)
    with open("/proc/meminfo", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return "memory of this machine", int(lines["MemAvailable"].split()[0]) * 1024


def _adapter(config: Any, rank: int) -> int:
    """Numbers of a low-rank adapter on every linear layer of a decoder."""
    hidden, inner = config.hidden_size, getattr(config, "intermediate_size", 4 * config.hidden_size)
    heads = config.num_attention_heads
    narrow = hidden * getattr(config, "num_key_value_heads", heads) // heads
    pairs = [(hidden, hidden), (hidden, narrow), (hidden, narrow), (hidden, hidden)]
    pairs += [(hidden, inner), (hidden, inner), (inner, hidden)]
    return config.num_hidden_layers * sum(rank * (into + out) for into, out in pairs)
