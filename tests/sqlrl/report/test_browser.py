"""The page in a real browser: the list is there, filters filter, nothing breaks out, nothing is fetched."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sqlrl.config import EvalConfig, write_config
from sqlrl.report import write_report
from sqlrl.runs import Run

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"><!--"
SCORE = {"right": 5, "total": 8, "share": 0.625, "mean": 0.625, "interval": [0.3, 0.9]}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> str:
    """The browser's program. Without one the test is skipped, but for where SQLRL_REQUIRE_BROWSER forbids that."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None and os.environ.get("SQLRL_REQUIRE_BROWSER"):
        pytest.fail("SQLRL_REQUIRE_BROWSER is set and there is no chromium")
    if found is None:
        pytest.skip("no chromium on this machine")
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = Run.create(tmp_path_factory.mktemp("runs"), "run", "eval")
    write_config(EvalConfig("spider", predictions="x.txt"), run.folder / "config.yaml")
    run.write_items(_item(number) for number in range(230))
    run.write_summary(
        {
            "benchmark": "spider", "split": "validation", "asked": HOSTILE, "notes": [HOSTILE],
            "evaluation": {
                "judge": "spider", "official": SCORE, "safe": SCORE, "ceiling": SCORE, "faults": {}, "unjudged": {},
                "outcomes": {"ok": 7, HOSTILE: 1}, "reasons": {"match": 5, HOSTILE: 3},
                "by": {"difficulty": {"easy": SCORE, "hard": SCORE}, "database": {"shop": SCORE, HOSTILE: SCORE}},
            },
        }
    )  # fmt: skip
    return write_report(run)


def _item(number: int) -> dict[str, Any]:
    kinds = [("match", "ok"), ("mismatch", "ok"), ("invalid", "invalid"), ("timed_out", "timed_out"), ("match", "ok")]
    reason, outcome = kinds[number % 5]
    item = {
        "id": f"validation-{number}", "db_id": "shop" if number % 2 else "farm", "reason": reason, "outcome": outcome,
        "question": f"question number {number}", "predicted": f"SELECT name, {number} FROM product WHERE price < 3",
        "gold": "SELECT name FROM product WHERE price < 4 ORDER BY name", "correct": reason == "match",
        "score": float(reason == "match"), "seconds": 0.001 * number, "difficulty": "easy" if number < 115 else "hard",
    }  # fmt: skip
    if number == 7:
        item |= {"question": HOSTILE, "predicted": HOSTILE, "gold": HOSTILE, "message": HOSTILE, "evidence": HOSTILE}
        item |= {"completion": HOSTILE, "results": {"predicted": {"columns": [HOSTILE], "rows": [[HOSTILE], [None]]}}}
    return item


def _open(browser: str, page: Path, work: Path, **fragment: str) -> str:
    """The page's elements once its script has run. Fails for a word on the console, or a request to anywhere."""
    log = work / "net.json"
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
        f"--user-data-dir={work / 'profile'}", "--proxy-server=127.0.0.1:9", "--enable-logging=stderr",
        f"--log-net-log={log}", "--virtual-time-budget=3000", "--dump-dom", f"{page.as_uri()}#{urlencode(fragment)}",
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = [line for line in found.stderr.splitlines() if ":CONSOLE" in line]
    assert not said, said
    # What the browser itself would like to know is not the page's asking: it names no page as initiator.
    initiators = re.findall(r'"initiator":"(.*?)"', log.read_text(errors="replace")) if log.exists() else []
    assert not [each for each in initiators if each.startswith(("file", "null"))], initiators
    return found.stdout


def _count(page: str) -> str:
    return re.findall(r'<p id="count"[^>]*>(.*?)</p>', page)[0]


def _shown(page: str) -> list[str]:
    return re.findall(r'aria-expanded="\w+">(validation-\d+)<', page)


def test_the_list_is_there_and_grows_when_asked(browser: str, page: Path, tmp_path: Path) -> None:
    seen = _open(browser, page, tmp_path)
    assert _count(seen) == "230 of 230 questions, 92 right (40.0 %)"
    assert _shown(seen)[:3] == ["validation-0", "validation-1", "validation-2"]
    assert len(_shown(seen)) in (100, 200, 230), "rows are drawn a hundred at a time"
    assert "any database" in seen
    assert "farm (115)" in seen


@pytest.mark.parametrize(
    ("fragment", "count", "first"),
    [
        ({"reason": "mismatch"}, "46 of 230 questions, 0 right (0.0 %)", "validation-1"),
        ({"reason": "mismatch", "database": "farm"}, "23 of 230 questions, 0 right (0.0 %)", "validation-6"),
        ({"verdict": "right", "difficulty": "hard"}, "46 of 230 questions, 46 right (100.0 %)", "validation-115"),
        ({"outcome": "timed_out", "sort": "time", "down": "1"}, "46 of 230 questions, 0 right", "validation-228"),
        ({"text": "QUESTION ion-41"}, "1 of 230 questions, 0 right (0.0 %)", "validation-41"),
        ({"reason": "nothing"}, "0 of 230 questions", None),
    ],
)  # fmt: skip
def test_the_address_filters_and_sorts(
    browser: str, page: Path, tmp_path: Path, fragment: dict[str, str], count: str, first: str | None
) -> None:
    seen = _open(browser, page, tmp_path, **fragment)
    assert _count(seen).startswith(count)
    assert (_shown(seen) or [None])[0] == first


def test_an_item_opens_with_its_differences_marked(browser: str, page: Path, tmp_path: Path) -> None:
    seen = _open(browser, page, tmp_path, text="number 41", open="validation-41")
    marked = re.findall(r"<mark[^>]*>(.*?)</mark>", seen)
    assert [html.unescape(word) for word in marked if word.strip()] == [",", "41", "3", "4", "ORDER", "BY", "name"]


def test_what_a_model_wrote_cannot_run(browser: str, page: Path, tmp_path: Path) -> None:
    seen = _open(browser, page, tmp_path, text="owned", open="validation-7")
    assert _count(seen).startswith("1 of 230")
    assert "<title>spider · run</title>" in seen
    assert not re.search(r"<img(?! alt=)", re.sub(r"<script.*?</script>", "", seen, flags=re.DOTALL))
    assert seen.count(html.escape(HOSTILE, quote=False)) > 6


def test_ten_thousand_questions_open_at_once(browser: str, tmp_path: Path) -> None:
    run = Run.create(tmp_path, "run", "eval")
    write_config(EvalConfig("spider", predictions="x.txt"), run.folder / "config.yaml")
    run.write_items(_item(number) for number in range(10_000))
    page = write_report(run)
    assert page.stat().st_size < 6_000_000
    seen = _open(browser, page, tmp_path, verdict="wrong", sort="time", down="1")
    assert _count(seen) == "6,000 of 10,000 questions, 0 right (0.0 %)"
    assert json.dumps(_shown(seen)[0]) == '"validation-9998"'


def test_votes_filter_and_what_is_not_judged_is_not_wrong(browser: str, tmp_path: Path) -> None:
    run = Run.create(tmp_path, "run", "eval")
    write_config(EvalConfig("spider", predictions="x.txt"), run.folder / "config.yaml")
    vote = {"votes": 2, "voted": 3, "of": 3}
    items = [{**_item(number), "samples": 3, "right_samples": 1, "vote": vote} for number in range(3)]
    items[1]["vote"] = {**vote, "votes": 3}
    run.write_items([*items, {**_item(8), "reason": "missing_database", "outcome": "missing_database"}])
    page = write_report(run)
    seen = _open(browser, page, tmp_path, agreement="2 of 3", open="validation-2")
    assert _count(seen) == "2 of 4 questions, 1 right (50.0 %)"
    assert "Voted for: 2 of 3 samples agree on this result. Right: 1 of 3." in seen
    assert 'id="more" hidden' in seen
    seen = _open(browser, page, tmp_path)
    assert _count(seen) == "4 of 4 questions, 1 right (33.3 %), 1 not judged"
    assert "wrong (2)" in seen
    assert 'class="badge unsaid">missing database' in seen
