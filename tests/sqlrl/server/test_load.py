"""Ordinary and hostile clients at once, for a moment: the whole of it is `benchmarks/speed/serving.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.slow
def test_ordinary_clients_get_their_own_among_hostile_ones() -> None:
    words = [sys.executable, "benchmarks/speed/serving.py", "--clients", "66", "--seconds", "3", "--json"]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=180)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""  # no bug was come upon
    found = json.loads(ended.stdout)
    assert (found["wrong"], found["leaks"], found["left_with"]) == ([], [], 0)
    assert found["answers"] > 20
    assert set(found["endings"]) <= {"right", "timed_out", "turned away: 429", "turned away: 503"}
    before, after = found["footprints"]["before"], found["footprints"]["after"]
    assert after["descriptors"] <= before["descriptors"]
    assert after["threads"] <= before["threads"]
