"""The clock: wall and processor seconds of a call, with those of every process that it starts or uses."""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["time_of"]


def time_of(contender: Callable[[], Any]) -> tuple[float, float]:
    """(wall, processor) seconds, children and workers that live on included."""
    before, started = _processor(), time.perf_counter()
    contender()
    return time.perf_counter() - started, _processor() - before


def _processor() -> float:
    """Processor seconds of this process, of its children that have ended, and of those that run."""
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    tick = os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == multiprocessing.current_process().pid:
            own += (int(fields[11]) + int(fields[12])) / tick
    return own
