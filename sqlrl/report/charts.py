"""Charts: accuracy, outcomes and times as drawings inside the page, which take its colours and lead to the items."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

__all__ = ["bars", "dial", "histogram", "link", "mean_of", "ranking", "shift_title", "shifts", "stack"]

_PER_DECADE = 4  # bins of the histogram
_RIGHT = {"match", "ok"}
_UNSAID = {"empty_database", "empty_gold", "missing_database", "gold_failed", "unavailable"}


def bars(label: str, values: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each value: its mean score with the 95 % interval. label: what its items are filtered by, "" where
    none belong to it."""
    most = max([1.0, *(max(mean_of(score), score["interval"][1]) for score in values.values())])
    lines = []
    for value, score in values.items():
        low, high = score["interval"]
        mean = mean_of(score)
        words = f"{value}: {mean * 100:.1f} %, 95 % interval {low * 100:.1f} to {high * 100:.1f}"
        kind, leads = ("a", f' href="#{link(label, value)}"') if label else ("div", "")
        lines.append(
            f'<{kind} class="bar"{leads} title="{escape(words)}"><span class="name">{escape(value)}'
            f'</span><svg class="track" aria-hidden="true"><rect class="ground" width="100%" height="14" rx="3"/>'
            f'<rect class="fill" width="{_percent(mean / most)}" height="14" rx="3"/>'
            f'<line class="whisker" x1="{_percent(low / most)}" x2="{_percent(high / most)}" y1="7" y2="7"/></svg>'
            f'<span class="value">{mean * 100:.1f} %</span><span class="of">of {score["total"]:,}</span></{kind}>'
        )
    return f'<div class="bars">{"".join(lines)}</div>'


def dial(score: Mapping[str, Any]) -> str:
    """A track from 0 to 100 % with the interval as a band and the mean as a mark."""
    most = max(1.0, score["interval"][1])
    low, high = (value / most for value in score["interval"])
    return (
        '<svg class="dial" aria-hidden="true"><rect class="ground" y="4" width="100%" height="6" rx="3"/>'
        f'<rect class="band" x="{_percent(low)}" y="4" width="{_percent(max(high - low, 0.004))}" height="6" rx="3"/>'
        f'<circle class="mark" cx="{_percent(mean_of(score) / most)}" cy="7" r="5"/></svg>'
    )


def ranking(entries: Sequence[tuple[str, float, str, bool]]) -> str:
    """A line for each (name, share, words, whether it is our own), in the order given."""
    most = max([1.0, *(share for _, share, _, _ in entries)])
    lines = []
    for name, share, words, own in entries:
        about = f"<small>{escape(words)}</small>" if words else ""
        lines.append(
            f'<div class="bar told{" own" if own else ""}"><span class="name">{escape(name)}{about}</span>'
            f'<svg class="track" aria-hidden="true"><rect class="ground" width="100%" height="14" rx="3"/>'
            f'<rect class="fill" width="{_percent(share / most)}" height="14" rx="3"/></svg>'
            f'<span class="value">{share * 100:.1f} %</span></div>'
        )
    return f'<div class="bars">{"".join(lines)}</div>'


def shift_title(label: str, graded: bool) -> str:
    """graded: whether the means are of scores between wrong and right."""
    return f"By {label.replace('_', ' ')}, {'mean score in per cent' if graded else 'per cent right'} before and after"


def shifts(label: str, changes: Mapping[str, tuple[float, float, int, int, int]]) -> str:
    """A line for each value: from the mean before to the mean after; how many questions were gained and lost, of all.

    changes: value -> (before, after, gained, lost, questions)."""
    most = max([1.0, *(mean for before, after, *_ in changes.values() for mean in (before, after))])
    lines = []
    for value, (before, after, gained, lost, total) in changes.items():
        kind = "up" if after > before else "down" if after < before else "same"
        here = escape(urlencode({label: value}), quote=True)
        words = f"{value}: {before * 100:.1f} % before, {after * 100:.1f} % after, of {total:,} questions"
        counts = "".join(
            f'<a class="{verdict}" href="#{here}&amp;verdict={verdict}">{sign}{count:,}</a>' if count else "<i></i>"
            for verdict, sign, count in (("gained", "+", gained), ("lost", "−", lost))
        )
        lines.append(
            f'<div class="bar shift {kind}" title="{escape(words)}"><a class="name" href="#{here}">{escape(value)}</a>'
            f'<svg class="track" aria-hidden="true"><line class="grid" x1="0" x2="100%" y1="7" y2="7"/>'
            f'<line class="way" x1="{_percent(before / most)}" x2="{_percent(after / most)}" y1="7" y2="7"/>'
            f'<circle class="from" cx="{_percent(before / most)}" cy="7" r="4"/>'
            f'<circle class="to" cx="{_percent(after / most)}" cy="7" r="5"/></svg>'
            f'<span class="value both">{before * 100:.1f} → {after * 100:.1f}</span>'
            f'<span class="value points">{_points(after - before)}</span><span class="counts">{counts}</span>'
            f'<span class="of">of {total:,}</span></div>'
        )
    return f'<div class="bars">{"".join(lines)}</div>'


def stack(label: str, counts: Mapping[str, int]) -> str:
    """Shares of a whole in one line, with a legend that leads to the items. label: what the items are filtered by."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda each: (each[0] not in _RIGHT, -each[1]))
    parts, legend = [], []
    place = 0.0
    for number, (name, count) in enumerate(ordered):
        kind = "right" if name in _RIGHT else "unsaid" if name in _UNSAID else f"wrong w{min(number, 5)}"
        share = count / total
        words = f"{name.replace('_', ' ')}: {count:,} of {total:,}"
        parts.append(
            f'<a href="#{link(label, name)}"><rect class="{kind}" x="{_percent(place)}" width="{_percent(share)}" '
            f'height="22"><title>{escape(words)}</title></rect></a>'
        )
        legend.append(
            f'<a href="#{link(label, name)}"><svg class="key" aria-hidden="true"><rect class="{kind}" width="11" '
            f'height="11" rx="2"/></svg>{escape(name.replace("_", " "))} <b>{count:,}</b> '
            f"<small>{share * 100:.1f} %</small></a>"
        )
        place += share
    return f'<svg class="stack" role="img">{"".join(parts)}</svg><p class="legend">{"".join(legend)}</p>'


def histogram(series: Mapping[str, Sequence[float]]) -> str:
    """How many of some seconds lie between two limits, which are of equal width on a logarithmic scale. Nothing where
    there are none above nought."""
    known = {name: [value for value in values if value > 0] for name, values in series.items()}
    every = [value for values in known.values() for value in values]
    if not every:
        return ""
    first = math.floor(math.log10(min(every)))
    last = max(first + 1, math.ceil(math.log10(max(every)) + 1e-9))
    bins = (last - first) * _PER_DECADE
    counts = {name: [0] * bins for name in known}
    for name, values in known.items():
        for value in values:
            counts[name][min(bins - 1, max(0, int((math.log10(value) - first) * _PER_DECADE)))] += 1
    top = max(max(numbers) for numbers in counts.values())
    width = 100 / bins
    drawn = []
    for power in range(first, last + 1):
        x = (power - first) * _PER_DECADE * width
        anchor = "start" if power == first else "end" if power == last else "middle"
        drawn.append(f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="120"/>')
        drawn.append(f'<text x="{x:.2f}%" y="138" text-anchor="{anchor}">{_time(10.0**power)}</text>')
    for order, (name, numbers) in enumerate(counts.items()):
        thin = width * 0.9 / len(counts)
        for number, count in enumerate(numbers):
            if count:
                height = max(1.5, 112 * count / top)
                x = number * width + width * 0.05 + order * thin
                drawn.append(
                    f'<rect class="s{order}" x="{x:.2f}%" width="{thin:.2f}%" y="{120 - height:.1f}" '
                    f'height="{height:.1f}"><title>{escape(name)}: {count:,}</title></rect>'
                )
    legend = "".join(
        f'<span><svg class="key" aria-hidden="true"><rect class="s{order}" width="11" height="11" rx="2"/></svg>'
        f"{escape(name)}, half within <b>{_time(_part(values, 0.5))}</b>, 95 % within <b>{_time(_part(values, 0.95))}"
        "</b></span>"
        for order, (name, values) in enumerate(known.items())
        if values
    )
    return f'<svg class="histogram" role="img">{"".join(drawn)}</svg><p class="legend">{legend}</p>'


def mean_of(score: Mapping[str, Any]) -> float:
    """Of a score as it was written; older runs have only the share of right ones."""
    return float(score["mean"] if "mean" in score else score["share"])


def link(label: str, value: str) -> str:
    """The fragment that filters the items."""
    return escape(urlencode({label: value}), quote=True)


def _part(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size * 0.9995 or unit == "µs":
            return f"{seconds / size:.3g} {unit}"
    raise AssertionError


def _points(difference: float) -> str:
    return f"{difference * 100:+.1f}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{min(1.0, max(0.0, share)) * 100:.2f}%"
