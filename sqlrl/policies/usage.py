"""Usage: what asking a server took: requests, tokens, seconds, and money where prices are given."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlrl.policies.cache import Answer

__all__ = ["Usage", "quantile", "usage_lines"]


@dataclass(slots=True)
class Usage:
    """Counts of one evaluation; threads may add to it.

    requests: answered ones; retries: those that were asked again. asked, cached: answers from the server, and from the
    cache. prompt_tokens, completion_tokens: of the answers from the server; cached_prompt_tokens and
    cached_completion_tokens of the others, paid for before. uncounted: answers for which the server gave no counts.
    cut: answers that ended at the token limit. too_long: prompts longer than the model reads. seconds: of each
    answered request, as the caller waited, without the waits between tries.
    """

    requests: int = 0
    retries: int = 0
    asked: int = 0
    cached: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_prompt_tokens: int = 0
    cached_completion_tokens: int = 0
    uncounted: int = 0
    cut: int = 0
    too_long: int = 0
    seconds: list[float] = field(default_factory=list)
    wall_seconds: float = 0.0
    _lock: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    def count(self, answer: Answer, *, cached: bool) -> None:
        """Add one answer."""
        tokens = (answer.prompt_tokens, answer.completion_tokens)
        with self._lock:
            self.cut += answer.finish == "length"
            self.uncounted += None in tokens
            prompt, completion = (count or 0 for count in tokens)
            if cached:
                self.cached += 1
                self.cached_prompt_tokens += prompt
                self.cached_completion_tokens += completion
            else:
                self.asked += 1
                self.prompt_tokens += prompt
                self.completion_tokens += completion

    def count_request(self, seconds: float) -> None:
        """Add one request that was answered."""
        with self._lock:
            self.requests += 1
            self.seconds.append(seconds)

    def count_retry(self) -> None:
        """Add one request that failed and is made again."""
        with self._lock:
            self.retries += 1

    def count_too_long(self) -> None:
        """Add one prompt that the model cannot read."""
        with self._lock:
            self.too_long += 1

    def cost(self, price_in: float | None, price_out: float | None) -> tuple[float, float] | None:
        """(now, with what the cache was paid for) in US$, from prices a million tokens; None without prices, or where
        the server counts nothing."""
        if price_in is None and price_out is None:
            return None
        if self.uncounted and self.uncounted == self.asked + self.cached:
            return None
        rates = (price_in or 0.0) / 1e6, (price_out or 0.0) / 1e6
        now = self.prompt_tokens * rates[0] + self.completion_tokens * rates[1]
        before = self.cached_prompt_tokens * rates[0] + self.cached_completion_tokens * rates[1]
        return now, now + before

    def to_dict(self, price_in: float | None = None, price_out: float | None = None) -> dict[str, Any]:
        """What summary.json holds as "asking"."""
        cost = self.cost(price_in, price_out)
        names = (
            "requests", "retries", "asked", "cached", "prompt_tokens", "completion_tokens", "cached_prompt_tokens",
            "cached_completion_tokens", "uncounted", "cut", "too_long",
        )  # fmt: skip
        return {
            **{name: getattr(self, name) for name in names},
            "wall_seconds": round(self.wall_seconds, 3),
            "request_seconds": {
                "median": quantile(self.seconds, 0.5), "p95": quantile(self.seconds, 0.95),
                "longest": quantile(self.seconds, 1.0),
            },
            "price_in": price_in,
            "price_out": price_out,
            "cost": None if cost is None else {"now": cost[0], "total": cost[1]},
        }  # fmt: skip

    def lines(self, price_in: float | None = None, price_out: float | None = None) -> list[tuple[str, str]]:
        """See `usage_lines`."""
        return usage_lines(self.to_dict(price_in, price_out))


def usage_lines(asking: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(word, what a reader should know) for each line that `sqlrl eval` prints and a report shows. asking: as
    `Usage.to_dict` gives it."""
    asked, cached, uncounted = asking["asked"], asking["cached"], asking["uncounted"]
    lines = [("answers", _answers(asked, cached, asking["retries"]))]
    if asked + cached > uncounted:
        prompt = asking["prompt_tokens"] + asking["cached_prompt_tokens"]
        completion = asking["completion_tokens"] + asking["cached_completion_tokens"]
        line = f"{prompt:,} in, {completion:,} out"
        if cached and asked:
            line += f" ({asking['prompt_tokens']:,} in, {asking['completion_tokens']:,} out of it now)"
        if uncounted:
            line += f"; {uncounted:,} answers without counts"
        lines.append(("tokens", line))
    elif uncounted:
        lines.append(("tokens", "the server does not count them"))
    cost = asking["cost"]
    if cost is not None:
        least = "at least " if uncounted else ""
        now = f" ({_dollars(cost['now'])} of it now)" if cached else ""
        prices = f"US$ {asking['price_in'] or 0:g} in, {asking['price_out'] or 0:g} out a million tokens"
        lines.append(("cost", f"{least}{_dollars(cost['total'])}{now} at {prices}"))
    seconds, wall = asking["request_seconds"], asking["wall_seconds"]
    if seconds["median"] is not None:
        rate = f", {asked / wall:,.1f} answers a second" if wall else ""
        lines.append(("seconds", f"{seconds['median']:.2f} a request (median), {seconds['p95']:.2f} (95 %){rate}"))
    if asking["cut"]:
        lines.append(("cut", f"{asking['cut']:,} answers ended at --max-tokens"))
    if asking["too_long"]:
        count = asking["too_long"]
        lines.append(("too long", f"{count:,} prompts are longer than the model reads: counted as wrong"))
    return lines


def _answers(asked: int, cached: int, retries: int) -> str:
    again = f", {retries:,} requests made again" if retries else ""
    if not cached:
        return f"{asked:,} from the server{again}"
    how = "nothing was asked; --no-cache asks again" if not asked else f"{asked:,} from the server{again}"
    return f"{cached:,} from the cache, {how}"


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` of the values don't exceed (nearest rank); None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _dollars(amount: float) -> str:
    return f"US$ {amount:,.2f}" if amount >= 1 or not amount else f"US$ {amount:.4f}"
