"""Metrics in the form that Prometheus reads, whatever is counted."""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sqlrl.server.metrics import BUCKETS, Metrics

_SAMPLE = re.compile(r'([a-z_]+)(\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.e+-]+)')
WORDS = st.sampled_from(["/api/ask", 'a"b', "a\\b", "a\nb"])


@given(st.lists(st.tuples(WORDS, st.sampled_from([0, 200, 503]), st.floats(0, 100)), max_size=20))
def test_every_line_is_a_sample_or_a_comment(requests: list[tuple[str, int, float]]) -> None:
    metrics = Metrics()
    metrics.gauge("sqlrl_something", "What there is.", lambda: 2.5)
    metrics.ended("ask", "ok")
    metrics.rejected("rate")
    for route, status, seconds in requests:
        metrics.answered(route, "GET", status, seconds)
    text = metrics.text()
    assert text.endswith("\n")
    kinds, samples = [], []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            kinds.append(line.split()[2])
        elif not line.startswith("# HELP "):
            sample = _SAMPLE.fullmatch(line)
            assert sample is not None, line
            samples.append(sample)
            assert sample[1].startswith(kinds[-1])  # under its own head
    assert len(set(kinds)) == len(kinds)
    assert all(count == 1 for count in Counter((sample[1], sample[2]) for sample in samples).values())
    counted = sum(float(sample[4]) for sample in samples if sample[1] == "sqlrl_requests_total")
    assert counted == len(requests)
    assert "sqlrl_something 2.5" in text


def test_a_histogram_adds_up() -> None:
    metrics = Metrics()
    for seconds in (0.004, 0.02, 0.3, 1_000.0):
        metrics.answered("/api/ask", "POST", 200, seconds)
    text = metrics.text()
    counts = [float(found) for found in re.findall(r'_bucket\{route="/api/ask",le="[^"]+"\} (\d+)', text)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-2], counts[-1], len(counts)) == (1, 3, 4, len(BUCKETS) + 1)
    assert 'sqlrl_request_seconds_count{route="/api/ask"} 4' in text
    assert 'sqlrl_request_seconds_sum{route="/api/ask"} 1000.324' in text
