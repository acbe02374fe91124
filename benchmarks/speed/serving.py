"""`sqlrl serve` under many clients at once, half of them hostile: what the others get, and what is left behind.

    python benchmarks/speed/serving.py --clients 200 --seconds 60

Half of the clients ask for rows that are theirs alone, by questions, in steps and by queries; every answer is compared
with the right one, and searched for what belongs to others. The other half are slow, silent, gone, wrong or heavy, some
of each kind; see `benchmarks/speed/hostile.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from sqlrl.benchmarks.speed.hostile import KINDS, misbehave  # noqa: E402
from sqlrl.benchmarks.speed.http_client import Caller  # noqa: E402

ITEMS = 40  # rows of each client
SETTLE = 30.0  # seconds at most, in which what hostile clients left must be gone
_SECRET = re.compile(r"[0-9a-f]{32}")


@dataclass
class Tally:
    """What clients saw."""

    seconds: list[float] = field(default_factory=list)  # of right answers
    endings: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)


def secret(owner: int, item: int) -> str:
    """What one client alone may see."""
    return hashlib.sha256(f"{owner} {item}".encode()).hexdigest()[:32]


def make(folder: Path, owners: int) -> None:
    """The database, the script of the policy, the tokens."""
    with sqlite3.connect(folder / "vault.sqlite") as connection:
        connection.execute("create table vault(owner integer, item integer, secret text, primary key(owner, item))")
        rows = [(owner, item, secret(owner, item)) for owner in range(owners) for item in range(ITEMS)]
        connection.executemany("insert into vault values (?, ?, ?)", rows)
    connection.close()
    lines = [
        {"question": question(owner, item), "completion": f"```sql\n{query(owner, item)}\n```"}
        for owner in range(owners)
        for item in range(ITEMS)
    ]
    lines.append({"question": "one without end", "completion": f"```sql\n{ENDLESS}\n```"})
    (folder / "script.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    held = [f"client{number} {token(number)}\n" for number in range(2 * owners + 1)]  # the hostile ones' too
    (folder / "tokens").write_text("".join(held))


ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t"


def question(owner: int, item: int) -> str:
    """Of fixed width: none is a part of another."""
    return f"what does owner {owner:04d} keep as item {item:04d}?"


def query(owner: int, item: int) -> str:
    """The query that answers it."""
    return f"select owner, item, secret from vault where owner = {owner} and item = {item}"


def token(owner: int) -> str:
    """A client's own."""
    return hashlib.sha256(f"token {owner}".encode()).hexdigest()


async def ask(port: int, owner: int, until: float, tally: Tally) -> None:
    """An ordinary client: one question after another, with pauses, on a connection that it keeps."""
    draw = random.Random(f"ordinary {owner}")
    caller = Caller(port, f"127.0.2.{owner % 250 + 1}", {"Authorization": f"Bearer {token(owner)}"})
    try:
        while time.monotonic() < until:
            await asyncio.sleep(draw.uniform(0.2, 1.8))
            item = draw.randrange(ITEMS)
            path, body = draw.choice(
                [
                    ("/api/ask", {"question": question(owner, item)}),
                    ("/api/ask/stream", {"question": question(owner, item)}),
                    ("/api/run", {"query": query(owner, item)}),
                ]
            )
            began = time.perf_counter()
            try:
                status, text = await caller.post(path, body)
            except (TimeoutError, OSError, EOFError) as error:
                tally.endings[type(error).__name__] += 1
                continue
            took = time.perf_counter() - began
            seen = set(_SECRET.findall(text))
            if seen - {secret(owner, item)}:
                tally.leaks.append(f"owner {owner}, item {item}: {text[:300]}")
            if status in (429, 503):
                tally.endings[f"turned away: {status}"] += 1
                continue
            answer = _answer(text) if status == 200 else None
            if answer is not None and answer["outcome"] in ("timed_out", "unavailable"):
                tally.endings[answer["outcome"]] += 1
            elif answer is None or answer["rows"] != [[owner, item, secret(owner, item)]]:
                tally.wrong.append(f"owner {owner}, item {item}: {status} {text[:300]}")
            else:
                tally.endings["right"] += 1
                tally.seconds.append(took)
    finally:
        caller.close()


def _answer(text: str) -> dict[str, Any] | None:
    """Of one object, or the last of lines."""
    last = json.loads(text.strip().rpartition("\n")[2])
    answer: dict[str, Any] | None = last.get("answer", last)
    return answer if answer is not None and "rows" in answer else None


@dataclass
class Footprint:
    """A server's at one moment. memory: MB of the server; workers: MB of its children."""

    memory: float
    workers: float
    descriptors: int
    threads: int

    @classmethod
    def of(cls, process: int) -> Footprint:
        """Of a process that runs."""
        lists = [path.read_text().split() for path in Path(f"/proc/{process}/task").glob("*/children")]
        children = [child for each in lists for child in each]
        return cls(
            _resident(process), sum(_resident(int(child)) for child in children),
            len(os.listdir(f"/proc/{process}/fd")), len(os.listdir(f"/proc/{process}/task")),
        )  # fmt: skip


def _resident(process: int) -> float:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


async def _warm(port: int, owner: int) -> None:
    """A few calls at once, so that every worker is there before anything is measured."""
    caller = Caller(port, "127.0.0.1", {"Authorization": f"Bearer {token(owner)}"})
    for number in range(10):
        await caller.post("/api/ask", {"question": question(owner, number)})
        await caller.post("/api/run", {"query": f"{ENDLESS.removesuffix('from t')}from (select * from t limit 100000)"})
    caller.close()


async def load(port: int, process: int, clients: int, seconds: float) -> dict[str, Any]:
    """All clients, for so many seconds, and what is left of them afterwards."""
    tally, done = Tally(), Counter[str]()
    ordinary = clients // 2
    await asyncio.gather(*(_warm(port, number) for number in range(8)))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    until = began + seconds
    prints = {"before": Footprint.of(process)}
    work = [asyncio.ensure_future(ask(port, owner, until, tally)) for owner in range(ordinary)]
    work += [
        asyncio.ensure_future(
            misbehave(KINDS[number % len(KINDS)], port, number, token(ordinary + number), until, done)
        )
        for number in range(clients - ordinary)
    ]
    # From a tenth of the time on everything is under way.
    for name, share in (("start", 0.1), ("quarter", 0.25), ("middle", 0.5), ("late", 0.75), ("end", 0.98)):
        await asyncio.sleep(max(0.0, began + share * seconds - time.monotonic()))
        prints[name] = Footprint.of(process)
    await asyncio.gather(*work)
    settled = time.monotonic()
    while time.monotonic() - settled < SETTLE:
        prints["after"] = Footprint.of(process)
        if (prints["after"].descriptors <= prints["before"].descriptors
                and prints["after"].threads <= prints["before"].threads):  # fmt: skip
            break
        await asyncio.sleep(0.5)
    taken = sorted(tally.seconds)
    share = {name: _at(taken, part) for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
    return {
        "clients": clients, "seconds": seconds, "answers": len(taken), "answers_a_second": len(taken) / seconds,
        **share, "wrong": tally.wrong, "leaks": tally.leaks, "endings": dict(tally.endings), "hostile": dict(done),
        "footprints": {name: vars(each) for name, each in prints.items()},
        "settled_in": time.monotonic() - settled,
    }  # fmt: skip


def _at(taken: list[float], share: float) -> float:
    """Milliseconds."""
    return 1e3 * taken[min(len(taken) - 1, int(share * len(taken)))] if taken else 0.0


def main() -> None:
    """Start the server, put the clients to it, say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", action="store_true", help="one object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, arguments.clients // 2)
        words = [
            sys.executable, "-m", "sqlrl", "serve", str(folder / "vault.sqlite"), "--port", "0", "--timeout", "20",
            "--policy", f"script:{folder / 'script.jsonl'}", "--token-file", str(folder / "tokens"),
        ]  # fmt: skip
        server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rstrip("/\n").rpartition(":")[2])
            found = asyncio.run(load(port, server.pid, arguments.clients, arguments.seconds))
            server.send_signal(signal.SIGTERM)
            found["left_with"] = server.wait(60)
        finally:
            server.kill()
            server.wait()
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{found['clients']} clients, {found['seconds']:g} s: {found['answers']:,} right answers, "
          f"{found['answers_a_second']:.0f} a second; 50 % within {found['p50']:.0f} ms, "
          f"95 % within {found['p95']:.0f}, 99 % within {found['p99']:.0f}")  # fmt: skip
    print(f"wrong answers: {len(found['wrong'])}; leaks: {len(found['leaks'])}; ordinary clients: {found['endings']}")
    print(f"hostile clients: {found['hostile']}")
    for when, each in found["footprints"].items():
        print(f"  {when:7} {each['memory']:7.1f} MB, workers {each['workers']:6.1f} MB, "
              f"{each['descriptors']:4} descriptors, {each['threads']:3} threads")  # fmt: skip
    print(f"settled in {found['settled_in']:.1f} s; left with {found['left_with']}")
    for text in (found["leaks"] + found["wrong"])[:5]:
        print(text)


if __name__ == "__main__":
    main()
