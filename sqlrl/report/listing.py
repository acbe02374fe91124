"""A listing: the items of a page as data, small enough to open and safe to stand inside HTML."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["embed", "labels_of", "listing_of"]

_RESULTS = 4_000_000  # characters of results that a page carries; wrong answers come first
_LONGEST = 4_000  # characters of a query or completion
_OWN = {
    "index", "id", "db_id", "predicted", "gold", "outcome", "correct", "score", "safe", "reason", "question", "seconds",
    "gold_seconds", "predicted_rows", "gold_rows", "completion", "evidence", "message", "fault", "results",
}  # fmt: skip
_KEPT = (
    "id", "question", "predicted", "gold", "outcome", "reason", "evidence", "message", "fault", "completion", "seconds",
    "gold_seconds", "predicted_rows", "gold_rows",
)  # fmt: skip


def listing_of(items: Sequence[Mapping[str, Any]], before: Mapping[str, Mapping[str, Any]] | None = None) -> Any:
    """What the page's script reads. before: id -> the same question as it was answered earlier."""
    room = _RESULTS
    keeps = set()
    for index in sorted(range(len(items)), key=lambda index: bool(items[index]["correct"])):
        room -= len(json.dumps(items[index].get("results") or ""))
        if room < 0:
            break
        keeps.add(index)
    lines = [_line(item, (before or {}).get(str(item["id"])), index in keeps) for index, item in enumerate(items)]
    labels = list(dict.fromkeys(label for line in lines for label in line["labels"]))
    ordered = sorted(labels, key=lambda label: (label == "database", label != "difficulty"))
    return {"items": lines, "labels": ordered, "changes": bool(before)}


def _line(item: Mapping[str, Any], was: Mapping[str, Any] | None, with_results: bool) -> dict[str, Any]:
    line = {key: _cut(item[key]) for key in _KEPT if item.get(key) not in (None, "", 0)}
    line["correct"] = bool(item["correct"])
    if item.get("score") not in (0, 1):
        line["score"] = item.get("score")
    line["labels"] = labels_of(item)
    if item.get("results") and with_results:
        line["results"] = item["results"]
    if item.get("samples"):
        line["right_samples"] = f"{item.get('right_samples', 0)} of {item['samples']}"
    if item.get("vote"):
        vote = item["vote"]
        line["agreeing"] = f"{vote['votes']} of {vote['of']}" if vote["voted"] else "nothing ran"
    if was is not None:
        line["was"] = {"predicted": _cut(was.get("predicted")), "correct": bool(was["correct"]),
                       "reason": was.get("reason", "")}  # fmt: skip
    return line


def labels_of(item: Mapping[str, Any]) -> dict[str, str]:
    """What the questions are told apart by: label -> value."""
    labels = {key: value for key, value in item.items() if key not in _OWN and isinstance(value, str)}
    if item.get("db_id"):
        labels["database"] = item["db_id"]
    if "leaks" in item:  # see sqlrl.leakage
        labels["gives the answer away"] = "yes" if item["leaks"] else "no"
    return labels


def _cut(value: Any) -> Any:
    return value[:_LONGEST] + " …" if isinstance(value, str) and len(value) > _LONGEST else value


def embed(value: Any) -> str:
    """As JSON that no HTML can be read into: whatever a model or a database wrote, no character ends the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in _SPECIAL:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


_SPECIAL: Iterable[str] = "<>&\u2028\u2029"
