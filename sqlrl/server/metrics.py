"""Metrics: what the server did so far, in the text form that Prometheus reads."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

__all__ = ["BUCKETS", "Metrics"]

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)  # seconds


class Metrics:
    """Labels are words of ours, never a client's: there are as many series as there are routes, codes and outcomes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._seconds: dict[str, list[float]] = {}  # route -> a count for each bucket, all, their sum
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._rejected: Counter[str] = Counter()
        self._cancelled = 0
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._born = time.time()

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request that got an answer. status 0: its client left before."""
        with self._lock:
            self._requests[route, method, str(status) if status else "left"] += 1
            counts = self._seconds.setdefault(route, [0.0] * (len(BUCKETS) + 2))
            for index, most in enumerate(BUCKETS):
                counts[index] += seconds <= most
            counts[-2] += 1
            counts[-1] += seconds
            self._cancelled += not status

    def ended(self, call: str, outcome: str) -> None:
        """A call of the layer that has an answer."""
        with self._lock:
            self._outcomes[call, outcome] += 1

    def rejected(self, reason: str) -> None:
        """A request or a connection that was turned away."""
        with self._lock:
            self._rejected[reason] += 1

    def gauge(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """What is read when the metrics are."""
        self._gauges[name] = (meaning, value)

    def text(self) -> str:
        """All of it."""
        with self._lock:
            lines = [
                *_family("sqlrl_requests_total", "counter", "Requests by route, method and status.", (
                    ({"route": route, "method": method, "status": status}, count)
                    for (route, method, status), count in sorted(self._requests.items())
                )),
                *_family("sqlrl_outcomes_total", "counter", "Calls by how they ended.", (
                    ({"call": call, "outcome": outcome}, count)
                    for (call, outcome), count in sorted(self._outcomes.items())
                )),
                *_family("sqlrl_rejected_total", "counter", "What was turned away, by reason.", (
                    ({"reason": reason}, count) for reason, count in sorted(self._rejected.items())
                )),
                *_family("sqlrl_cancelled_total", "counter", "Requests whose client left before the answer.",
                         [({}, self._cancelled)]),
                *self._histogram(),
            ]  # fmt: skip
        for name, (meaning, value) in self._gauges.items():
            lines += _family(name, "gauge", meaning, [({}, value())])
        lines += _family("process_start_time_seconds", "gauge", "When the server began.", [({}, self._born)])
        for name, meaning, amount in _process():
            lines += _family(name, "gauge", meaning, [({}, amount)])
        return "".join(f"{line}\n" for line in lines)

    def _histogram(self) -> list[str]:
        name = "sqlrl_request_seconds"
        lines = [f"# HELP {name} Seconds from a request's head to the end of its answer.", f"# TYPE {name} histogram"]
        for route, counts in sorted(self._seconds.items()):
            for most, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=False):
                lines.append(_line(f"{name}_bucket", {"route": route, "le": most}, count))
            lines.append(_line(f"{name}_sum", {"route": route}, counts[-1]))
            lines.append(_line(f"{name}_count", {"route": route}, counts[-2]))
        return lines


def _family(name: str, kind: str, meaning: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *(_line(name, *sample) for sample in samples)]


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(word)}"' for key, word in labels.items())
    number = str(int(value)) if float(value).is_integer() else repr(float(value))
    return f"{name}{{{inside}}} {number}" if inside else f"{name} {number}"


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _process() -> Iterable[tuple[str, str, float]]:
    """What Linux says of this process; nothing where it says nothing."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        descriptors = len(os.listdir("/proc/self/fd")) - 1  # the listing's own
    except OSError:
        return
    yield (
        "process_resident_memory_bytes",
        "Memory of the server, without its workers.",
        pages * os.sysconf("SC_PAGESIZE"),
    )
    yield "process_open_fds", "Open files and sockets.", descriptors
    yield "process_threads", "Threads.", threading.active_count()
