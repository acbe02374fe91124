"""What the reward costs: microseconds a completion, fresh and repeated, and its share of the GRPO steps of a run.

python benchmarks/speed/reward.py runs/RUN      # a run of `sqlrl train mini --method sft+grpo`
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import pyarrow.parquet

from sqlrl.benchmarks import load_benchmark
from sqlrl.prompts import Prompter
from sqlrl.rewards import ExecutionReward
from sqlrl.runs import Run, read_settings

BATCH = 128
ROUNDS = 5


def main(folder: str) -> None:
    """Judge what the run sampled, again; and add up what its own steps measured."""
    run = Run.open(folder)
    steps = [line for line in run.metrics() if "reward_seconds" in line and "sampled_reward" in line]
    spent, in_all = sum(line["reward_seconds"] for line in steps), sum(line["seconds"] for line in steps)
    print(f"in the run: {len(steps)} steps, reward {spent:.2f} s of {in_all:.1f} s = {100 * spent / in_all:.2f} %")

    rows = [row for file in sorted(Path(run.folder, "completions").glob("*.parquet")) for row in
            pyarrow.parquet.read_table(file).to_pylist()]  # fmt: skip
    completions, names = [row["completion"] for row in rows], [row["example_id"] for row in rows]
    benchmark = load_benchmark(read_settings(run)["benchmark"])
    prompter = Prompter.from_dict(json.loads((run.folder / "checkpoints/final/policy.json").read_text()))
    reward = ExecutionReward.of(benchmark, benchmark.examples("train"), prompter)
    print(f"again: {len(rows):,} completions, {len(set(zip(names, completions, strict=True))):,} distinct")
    for what in ("golds unknown", "golds known, verdicts not", "verdicts known"):
        taken = []
        for _ in range(1 if what == "golds unknown" else ROUNDS):
            if what == "golds known, verdicts not":
                reward.forget()
            started = time.perf_counter()
            for start in range(0, len(rows), BATCH):
                part = slice(start, start + BATCH)
                reward(None, completions[part], names[part])
            taken.append(1e6 * (time.perf_counter() - started) / len(rows))
        spread = f"[{min(taken):.0f}, {max(taken):.0f}]"
        print(f"{what:28} {statistics.median(taken):7.0f} us a completion   {spread}")
    reward.judging.close()


if __name__ == "__main__":
    main(sys.argv[1])
