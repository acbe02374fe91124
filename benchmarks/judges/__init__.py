"""Judges: the official rules, exactly, and our better default; each by its word on the command line."""

from __future__ import annotations

import importlib

from sqlrl.benchmarks.base import Judge
from sqlrl.executors.errors import UsageError, nearest

__all__ = ["JUDGES", "load_judge"]

# word -> (module, class, arguments); one module may serve several words
JUDGES: dict[str, tuple[str, str, dict[str, object]]] = {
    "robust": ("robust", "Robust", {}),
    "strict": ("robust", "Strict", {}),
    "spider": ("spider", "Spider", {}),
    "spider-strict": ("spider", "Spider", {"strict": True}),
    "bird-ex": ("bird", "BirdEX", {}),
}


def load_judge(name: str) -> Judge:
    """The judge of that name; UsageError with the nearest where there is none."""
    if name not in JUDGES:
        raise UsageError(f"no judge {name!r}{nearest(name, JUDGES)}")
    module, factory, arguments = JUDGES[name]
    judge: Judge = getattr(importlib.import_module(f"sqlrl.benchmarks.judges.{module}"), factory)(**arguments)
    return judge
