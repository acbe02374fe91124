"""How fast predictions are judged, beside the official evaluators, in one run.

python benchmarks/speed/evaluation.py --data DATA --official CHECKOUTS [--rounds 5] [--json OUT.json]

CHECKOUTS holds `test-suite-sql-eval` (of taoyds) and `DAMO-ConvAI` (of AlibabaResearch, with BIRD's script); DATA holds
spider/, bird/ and predictions/. `loop` is what judges alone take: the official function called item by item in a
process that has imported it, and `Judging.judge_all` with its workers started (cold: their start and the golds' first
run included). `command` is the whole program, from its start to its end. "official 3.5 x" is how much longer the
official one took in the same round. The last figure is what one endless prediction adds with a limit of two seconds.
The official programs need func_timeout, sqlparse, tqdm and nltk with its tokenizer's data; where that cannot be had, a
module `nltk` with a `word_tokenize` on PYTHONPATH stands in.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clock import time_of
from official import load_script

from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.base import Example
from sqlrl.benchmarks.predictions import read_predictions
from sqlrl.executors.base import Limits
from sqlrl.judging import Judging

SPIDER, BIRD = "spider_dev/DAIL-SQL+GPT-4.txt", "bird/TA-SQL_predict_dev.json"
SPIDER_SCRIPT, BIRD_SCRIPT = "test-suite-sql-eval/evaluation.py", "DAMO-ConvAI/bird/llm/src/evaluation.py"
ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t"
Items = list[tuple[Example, str]]
Sources = dict[str, list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--data", required=True, help="the folder above spider/, bird/ and predictions/")
    parser.add_argument("--official", type=Path, help="a folder with test-suite-sql-eval and DAMO-ConvAI")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="write the figures there")
    given = parser.parse_args()
    data = Path(given.data).resolve()
    spider_checkout = _found(parser, given.official, SPIDER_SCRIPT)
    bird_script = _found(parser, given.official, BIRD_SCRIPT)
    figures: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "rounds": given.rounds}
    spider, sources = load(data, "spider", SPIDER)
    loops = ours(spider, sources, "spider")
    if spider_checkout:
        loops["official"] = spider_loop(spider_checkout.parent, spider, data)
    figures["spider loop"] = compare(f"Spider dev, {len(spider):,} predictions: loop", loops, given.rounds)
    bird, places = load(data, "bird", BIRD)
    bird = [item for item in bird if item[0].labels["database"] == "superhero"]
    loops = ours(bird, places, "bird-ex")
    if bird_script:
        script = load_script(str(bird_script))
        loops["official, 1 process"] = bird_loop(script, bird, data, 1)
        loops["official, 2 processes"] = bird_loop(script, bird, data, 2)
    figures["bird loop"] = compare(f"BIRD superhero, {len(bird):,} predictions: loop", loops, given.rounds)
    with tempfile.TemporaryDirectory() as folder:
        commands = {"sqlrl": lambda: sqlrl_command(data, folder)}
        if spider_checkout:
            commands["official"] = lambda: spider_command(spider_checkout.parent, data)
        figures["spider command"] = compare("Spider dev: whole command", commands, given.rounds)
    figures["endless"] = endless(spider, sources)
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1) + "\n")


def _found(parser: argparse.ArgumentParser, folder: Path | None, name: str) -> Path | None:
    """A script below the folder of checkouts; None where no folder is given."""
    if folder is None:
        return None
    file = folder.resolve() / name
    if not file.is_file():
        parser.error(f"--official {folder}: there is no {name} in it")
    return file


def load(data: Path, name: str, predictions: str) -> tuple[Items, Sources]:
    """(items, example id -> its databases)."""
    benchmark = load_benchmark(name, data)
    examples = benchmark.examples("validation")
    found = read_predictions(data / "predictions" / predictions, examples)
    return list(zip(examples, found, strict=True)), {each.id: benchmark.sources(each) for each in examples}


def ours(items: Items, sources: Sources, judge: str) -> dict[str, Callable[[], object]]:
    """Judged again and again by the same workers, whose golds are known after the first time; and cold."""
    warm = Judging(judge, sources, limits=Limits(seconds=30), workers=2)

    def cold() -> object:
        with Judging(judge, sources, limits=Limits(seconds=30), workers=2) as judging:
            return [word.verdict.correct for word in judging.judge_all(items)]

    return {
        "sqlrl, golds known": lambda: [word.verdict.correct for word in warm.judge_all(items)],
        "sqlrl, golds new": lambda: _afresh(warm, items),
        "sqlrl, cold": cold,
    }


def _afresh(judging: Judging, items: Items) -> object:
    """With golds that no worker has met: their text is new, their result is not."""
    from dataclasses import replace

    mark = f" /* {time.perf_counter_ns()} */"
    renewed = [(replace(e, gold=replace(e.gold, query=f"{e.gold.query}{mark}")), query) for e, query in items]
    return [word.verdict.correct for word in judging.judge_all(renewed)]


def spider_loop(checkout: Path, items: Items, data: Path) -> Callable[[], object]:
    module = load_script(str(checkout / "exec_eval.py"))
    folder = data / "spider" / "database"

    def run() -> object:
        found = []
        for example, predicted in items:
            database = example.labels["database"]
            path = str(folder / database / f"{database}.sqlite")
            predicted = predicted.replace("value", "1")
            found.append(bool(module.eval_exec_match(path, predicted, example.gold.query, False, False, False)))
        return found

    return run


def bird_loop(module: Any, items: Items, data: Path, processes: int) -> Callable[[], object]:
    path = str(data / "bird" / "dev_databases" / "superhero" / "superhero.sqlite")

    def run() -> object:
        module.exec_result = []
        pairs = [(predicted, example.gold.query) for example, predicted in items]
        module.run_sqls_parallel(pairs, [path] * len(pairs), num_cpus=processes, meta_time_out=30.0)
        return [bool(each["res"]) for each in sorted(module.exec_result, key=lambda each: each["sql_idx"])]

    return run


def sqlrl_command(data: Path, folder: str) -> None:
    command = [sys.executable, "-m", "sqlrl", "eval", "spider", "--judge", "spider", "--out", folder, "--workers", "2"]
    command += ["--data", str(data / "spider"), "--predictions", str(data / "predictions" / SPIDER)]
    subprocess.run([*command, "--json", f"{folder}/items.jsonl"], check=True, stdout=subprocess.DEVNULL)


def spider_command(checkout: Path, data: Path) -> None:
    spider = data / "spider"
    subprocess.run(
        [
            sys.executable, "evaluation.py", "--etype", "exec", "--gold", str(spider / "dev_gold.sql"),
            "--pred", str(data / "predictions" / SPIDER), "--db", str(spider / "database"),
            "--table", str(spider / "tables.json"),
        ],
        check=True, stdout=subprocess.DEVNULL, cwd=checkout,
    )  # fmt: skip


def compare(name: str, contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, Any]:
    """Wall seconds of each, in turns, after one round that isn't counted; whether all give the same verdicts."""
    answers = [contender() for contender in contenders.values()]
    print(f"\n{name}, median of {rounds} rounds taken in turns [least, most]")
    taken: dict[str, list[tuple[float, float]]] = {label: [] for label in contenders}
    for _ in range(rounds):
        for label, contender in contenders.items():
            taken[label].append(time_of(contender))
    figures: dict[str, Any] = {"agree": all(answer == answers[0] for answer in answers)}
    officials = [label for label in taken if label.startswith("official")]
    for label, times in taken.items():
        walls = sorted(wall for wall, _ in times)
        processor = statistics.median(cpu for _, cpu in times)
        figures[label] = {"seconds": walls, "processor_seconds": processor}
        beside = ""
        if label not in officials:
            for official in officials:  # round by round: what else ran on the machine slowed both
                ratios = sorted(other[0] / own[0] for own, other in zip(times, taken[official], strict=True))
                figures[label][f"{official} takes"] = ratios
                beside += f"   {official} {statistics.median(ratios):.1f} x [{ratios[0]:.1f}, {ratios[-1]:.1f}]"
        print(
            f"  {label:22} {statistics.median(walls):7.3f} s [{walls[0]:.3f}, {walls[-1]:.3f}], processor "
            f"{processor:.3f} s{beside}"
        )
    print(f"  verdicts: {'all the same' if figures['agree'] else 'NOT all the same'}")
    return figures


def endless(items: Items, sources: Sources) -> dict[str, float]:
    """Seconds that one prediction without an end adds, where each has two seconds of processor time."""
    with Judging("spider", sources, limits=Limits(seconds=2), workers=2) as judging:
        judging.judge_all(items)
        started = time.perf_counter()
        judging.judge_all(items)
        without = time.perf_counter() - started
        middle = len(items) // 2
        worse = [*items[:middle], (items[middle][0], ENDLESS), *items[middle + 1 :]]
        started = time.perf_counter()
        words = judging.judge_all(worse)
        added = time.perf_counter() - started - without
    others = sum(word.outcome == "timed_out" for word in words)
    print(f"\none endless prediction, 2 s each: {added:.2f} s more, {others} of {len(items):,} out of time")
    return {"seconds_more": added, "timed_out": others}


if __name__ == "__main__":
    os.environ.pop("SQLRL_DATA", None)
    main()
