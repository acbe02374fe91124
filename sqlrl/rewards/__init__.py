"""Rewards: what a completion earns, by a table, in TRL's shape: f(prompts, completions, **columns) -> values."""

from sqlrl.rewards.execution import ExecutionReward
from sqlrl.rewards.presets import PRESETS, Parts, Preset, load_preset

__all__ = ["PRESETS", "ExecutionReward", "Parts", "Preset", "load_preset"]
