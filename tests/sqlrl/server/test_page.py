"""The page in a real browser, before a real server: what one sees, does by keys alone, and is told when it fails."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from sqlrl.benchmarks.answers import read_answers
from sqlrl.prompts import Prompter
from sqlrl.server.tokens import Tokens
from tests.browser import Browser, Tab
from tests.loopback import Answer, Asked, serving
from tests.sqlrl.server.visitor import BY_COUNTRY, HOSTILE, ODD, SCRIPT, Scribe, add_odd, ask, rows, settle

pytestmark = pytest.mark.slow


@pytest.fixture
def odd(shop: Path) -> Path:
    return add_odd(shop)


def test_a_question_becomes_query_chart_and_table(serve: Callable[..., Any], tab: Tab) -> None:
    served = serve(policy=Scribe())
    tab.open(served.url)
    assert tab.evaluate("document.title") == "shop.sqlite · sqlrl"
    assert tab.focused() == "textarea question Question"
    ask(tab, "revenue by country")
    assert tab.text(".turn h2") == "revenue by country"
    assert tab.evaluate("document.querySelector('.turn .front').value") == BY_COUNTRY
    assert tab.texts(".turn .q-keyword")[:2] == ["select", "as"]
    assert tab.texts(".turn .q-call") == ["sum"]
    assert rows(tab) == [["Norway", "45"], ["Peru", "72"]]
    assert tab.texts(".turn td.right") == ["45", "72"]
    assert tab.text(".turn .count") == "2 rows, 2 columns\nCSV"
    assert tab.evaluate("document.querySelectorAll('.turn rect.bar').length") == 2
    assert tab.evaluate("document.querySelector('.turn .plot').ariaLabel").startswith(
        "Bar chart: revenue by country, 2 points"
    )
    assert {"Norway", "Peru", "45", "72"} <= set(
        tab.evaluate("[...document.querySelectorAll('.plot text')].map(t => t.textContent)")
    )
    tab.wait("document.querySelector('#status').textContent === 'Answer: 2 rows.'")
    assert tab.focused() == "textarea question Question"
    assert all(address.startswith((served.url, "data:")) for address in tab.asked)


def test_one_number_is_shown_large_and_nothing_is_said_to_be_nothing(serve: Callable[..., Any], tab: Tab) -> None:
    tab.open(serve(policy=Scribe()).url)
    ask(tab, "how many customers")
    assert tab.text(".turn .figure") == "3\ncustomers"
    ask(tab, "nobody lives there")
    assert tab.text(".turn .outcome") == "Nothing was found. The query ran, and no row fits it."
    assert tab.evaluate("[...document.querySelectorAll('.turn .body')].map(b => b.checkVisibility())") == [True, False]
    assert tab.texts(".turn .brief")[1] == "3", "what was asked before is folded, with its answer in a word"


def test_steps_are_told_while_it_works_and_it_can_be_stopped(serve: Callable[..., Any], tab: Tab) -> None:
    gate = threading.Event()
    served = serve(policy=Scribe({**SCRIPT, "slowly": lambda: "select 1" if gate.wait(20) else "select 2"}))
    tab.open(served.url)
    tab.type("slowly now")
    tab.press("Enter")
    tab.says("Asking the policy", ".progress")
    tab.wait("parseFloat(document.querySelector('.progress .now .clock').textContent) >= 1")
    assert tab.text("#go") == "Stop"
    tab.press("Escape")
    tab.says("Stopped.", ".turn .problem")
    assert tab.text("#go") == "Ask"
    assert '"question":"slowly now"' in tab.evaluate(
        "JSON.stringify(Object.values(localStorage)).replaceAll('\\\\', '')"
    )
    gate.set()
    tab.click(".problem button", "Ask again")
    settle(tab)
    assert tab.text(".turn .figure dd") == "1"
    ask(tab, "how many")
    assert tab.text(".turn .figure dd") == "3"


def test_a_query_is_edited_run_and_reset_where_it_stands(serve: Callable[..., Any], tab: Tab) -> None:
    tab.open(serve(policy=Scribe()).url)
    ask(tab, "revenue by country")
    tab.click(".turn .front")
    tab.press("Control+a")
    tab.type("select name, country\nfrom customer -- all of them\nwhere id < 3 and name <> '<b>'")
    assert tab.evaluate(
        "document.querySelector('.turn .back').textContent === document.querySelector('.turn .front').value + '\\n'"
    )
    assert tab.texts(".turn .back .q-comment") == ["-- all of them"]
    assert tab.texts(".turn .back .q-text") == ["'<b>'"]
    heights = (
        "['.front', '.back'].map(s => Math.round(document.querySelector('.turn ' + s).getBoundingClientRect().height))"
    )
    front, back = tab.evaluate(heights)
    assert front == back
    tab.press("Control+Enter")
    settle(tab)
    assert rows(tab) == [["Ann", "Norway"], ["Bo", "Peru"]]
    assert not tab.evaluate("document.querySelector('.turn figure.chart')")
    tab.click(".turn .tools button", "Reset")
    assert tab.evaluate("document.querySelector('.turn .front').value") == BY_COUNTRY
    tab.click(".turn .tools button", "Break lines")
    broken = tab.evaluate("document.querySelector('.turn .front').value")
    assert [line.split()[0] for line in broken.split("\n")] == ["select", "from", "join", "group"]
    assert broken.split() == BY_COUNTRY.split()
    tab.click(".turn .tools button", "Run")
    settle(tab)
    assert rows(tab) == [["Norway", "45"], ["Peru", "72"]]


def test_a_table_shows_cells_as_they_are_sorts_and_is_saved(
    serve: Callable[..., Any], browser: Browser, tab: Tab, odd: Path, tmp_path: Path
) -> None:
    browser.send(
        "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path), browserContextId=tab.context
    )
    tab.open(serve(policy=Scribe(), source=odd).url)
    ask(tab, "odd ones")
    shown = rows(tab)
    assert [row[0] for row in shown] == ["1", "2", "3", "5", "6", "7", "9007199254740993"]
    assert [row[2] for row in shown] == ["1.500", "-2.250", "NULL", "0.100", "7.000", "12.125", "30.000"]
    assert (shown[1][1], shown[2][1]) == ("NULL", "empty")
    assert shown[4][1].startswith("<img src=x")
    assert shown[5][1].endswith("… more")
    tab.click(".turn td button", "more")
    assert rows(tab)[5][1] == "long " * 80 + "less" or rows(tab)[5][1].startswith("long " * 79)
    tab.click(".turn th button", "size")
    assert [row[2] for row in rows(tab)] == ["-2.250", "0.100", "1.500", "7.000", "12.125", "30.000", "NULL"]
    assert tab.evaluate("document.querySelectorAll('.turn th')[2].ariaSort") == "ascending"
    tab.click(".turn th button", "size")
    assert [row[2] for row in rows(tab)][:2] == ["30.000", "12.125"]
    assert rows(tab)[-1][2] == "NULL", "what is not known comes last whichever way"
    tab.click(".turn .count button")
    file = tmp_path / "odd-ones.csv"
    end = time.monotonic() + 10
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.05)
    text = file.read_bytes().decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(text)))
    assert read[0] == ["id", "a <b>", "size"]
    assert read[1] == ["9007199254740993", "'=1+1", "30"], "no spreadsheet is to run what stands in a cell"
    assert sorted(row[1] for row in read[1:]) == sorted(["'=1+1", *(c or "" for _, c, _ in ODD if c != "=1+1")])
    assert {'3,"",', "2,,-2.25"} <= set(text.split("\r\n")), "an empty text is told from none"


def test_what_is_cut_is_said_to_be_cut(serve: Callable[..., Any], tab: Tab) -> None:
    tab.open(serve(policy=Scribe(), settings={"rows": 450}).url)
    ask(tab, "all numbers")
    assert tab.text(".turn .count span") == "The first 450 rows; there are more"
    assert len(rows(tab)) == 200
    tab.click(".more-rows", "Show 200 more of 250")
    tab.click(".more-rows", "Show 50 more of 50")
    assert len(rows(tab)) == 450


def test_charts_have_ticks_that_fit_and_words_for_each_point(serve: Callable[..., Any], tab: Tab) -> None:
    tab.open(serve(policy=Scribe()).url)
    overlaps = """(() => {
      const texts = [...document.querySelectorAll('.plot text')].filter(t => t.textContent);
      const boxes = texts.map(t => t.getBoundingClientRect());
      return boxes.some((a, i) => boxes.some((b, j) => i < j && a.left < b.right && b.left < a.right
        && a.top + 2 < b.bottom && b.top + 2 < a.bottom));
    })()"""
    for question, marks in (("by day", ".plot .stroke"), ("by country", ".plot rect.bar")):
        ask(tab, question)
        assert tab.evaluate(f"document.querySelectorAll('.turn:first-child {marks}').length") == 2
        for wide in (1100, 700, 360):
            tab.look(wide)
            tab.wait(f"document.querySelector('.turn:first-child .plot')?.clientWidth <= {wide}")
            tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            assert not tab.evaluate(overlaps), (question, wide)
        tab.look(1100)
    tab.evaluate("document.querySelector('.turn .plot').focus()")
    tab.says("Norway", ".turn .tip")
    tab.press("ArrowRight")
    assert tab.text(".turn .tip").startswith("Peru\nrevenue: 72")
    x, y = tab.evaluate("(b => [b.x + 5, b.y + 5])(document.querySelector('.turn rect.bar').getBoundingClientRect())")
    tab.hover(x, y)
    tab.says("Norway", ".turn .tip")


@pytest.mark.parametrize(
    ("question", "title", "said"),
    [
        ("destroy it all", "This query may not be run.", "nly reading is allowed"),
        ("misspelt name", "No query was found that the database can run.", "o such column: nmae"),
        ("endless", "It took too long.", ""),
    ],
)
def test_a_query_that_fails_is_told_in_plain_words(
    serve: Callable[..., Any], tab: Tab, question: str, title: str, said: str
) -> None:
    tab.open(serve(policy=Scribe(), settings={"deadline": 1.0, "repairs": 1}).url)
    ask(tab, question)
    assert tab.text(".turn .problem h3") == title
    assert said in tab.text(".turn .problem")
    assert not re.search(r"[{}]|error\b.*:", tab.text(".turn .problem")), "no JSON"
    tab.wait(f"document.querySelector('#status').textContent.includes({json.dumps(title)}) || "
             "document.querySelector('#status').textContent.length > 10")  # fmt: skip


def test_the_name_that_was_meant_is_a_click_away(serve: Callable[..., Any], tab: Tab) -> None:
    tab.open(serve(policy=Scribe(), settings={"repairs": 1}).url)
    ask(tab, "misspelt name")
    assert "There is no column nmae. Did you mean" in tab.text(".turn .meant").replace("\n", " ")
    tab.click(".turn summary", "2 queries were tried, 1 of them a repair")
    tab.see(".turn .attempts .fate")
    assert tab.texts(".turn .attempts .fate") == ["cannot be run", "cannot be run"]
    tab.click(".turn .meant button", "name")
    assert tab.evaluate("document.querySelector('.turn .front').value") == "select name from customer"
    tab.press("Control+Enter")
    settle(tab)
    assert rows(tab) == [["Ann"], ["Bo"], ["Cy"]]


def test_a_token_is_asked_for_and_kept_for_the_tab_alone(serve: Callable[..., Any], browser: Browser) -> None:
    served = serve(policy=Scribe(), tokens=Tokens({"right-token-of-ann": "ann"}))
    with browser.tab() as tab:
        tab.open(served.url, until="dialog")
        assert tab.focused().startswith("input token")
        tab.type("wrong-token")
        tab.press("Enter")
        tab.says("That token was not taken.", "dialog")
        tab.press("Escape")
        tab.says("This server asks for a token.", ".problem")
        tab.click(".problem button", "Try again")
        tab.see("dialog #token")
        tab.type("right-token-of-ann")
        tab.press("Enter")
        tab.see("#question")
        ask(tab, "how many")
        assert tab.text(".turn .figure dd") == "3"
        tab.open(served.url)
        assert not tab.evaluate("document.querySelector('dialog')"), "kept over a reload"
        assert "right-token" not in tab.evaluate("JSON.stringify({...localStorage}) + document.cookie + location.href")


def test_a_server_that_is_busy_or_gone_is_told_and_tried_again(serve: Callable[..., Any], tab: Tab) -> None:
    gate = threading.Event()
    scribe = Scribe({**SCRIPT, "slowly": lambda: "select 1" if gate.wait(20) else ""})
    served = serve(policy=scribe, bounds={"concurrency": 1, "queue": 0, "rate": 0.01, "burst": 12.0})
    tab.open(served.url)
    tab.wait("document.querySelector('.number').textContent === '2'")  # the schema has been read
    client = served.client()
    other = threading.Thread(target=lambda: client.post("/api/ask", json={"question": "slowly"}))
    other.start()
    served.until(lambda: bool(scribe.prompts))
    ask(tab, "how many")
    assert tab.text(".turn .problem h3") == "The server is busy, or about to stop."
    gate.set()
    other.join()
    tab.click(".problem button", "Try again")
    settle(tab)
    assert tab.text(".turn .figure dd") == "3"
    assert tab.focused().startswith("button how many"), "who went on by key is not thrown back to the beginning"
    while client.get("/api/about").status_code != 429:
        pass
    ask(tab, "nobody")
    assert tab.text(".turn .problem h3") == "Too many questions at once."
    assert re.search(r"Try again in \d\d seconds\.", tab.text(".turn .problem"))
    assert tab.evaluate("document.querySelector('.turn .problem button').disabled")
    served.server.should_exit = True
    served.thread.join(30)
    ask(tab, "how many")
    assert tab.text(".turn .problem h3") == "The server does not answer."
    assert tab.text("#go") == "Ask", "nothing is left turning"


def test_a_proxy_that_fails_is_no_blob_and_no_dead_wheel(browser: Browser) -> None:
    about = {
        "version": "1", "source": "sqlite:///x.db", "dialect": "sqlite", "kind": "database", "policy": "p", "rows": 9,
        "deadline": 5, "marks": False, "converses": True, "walls": {},
    }  # fmt: skip
    page = {file.name: file.read_bytes() for file in files("sqlrl.server").joinpath("page").iterdir() if file.is_file()}
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
    replies = {
        "html": (Answer("<html><h1>502 Bad Gateway</h1>{}", 502), "The server behind this address does not answer."),
        "cut": (Answer('{"step": "asking"}\n', missing=50), "The server does not answer."),
        "half": (Answer('{"step": "a"}\n{"answer": {"ques'), "The connection broke off before the answer was here."),
        "none": (Answer('{"step": "asking"}\n'), "The connection broke off before the answer was here."),
        "word": (Answer('{"error": {"code": "busy", "message": "x"}}\n'), "The server is busy, or about to stop."),
        "bug": (Answer({"detail": [{"loc": ["body"], "msg": "x"}]}, 500), "Something went wrong at the server."),
        "long": (Answer({"error": {"code": "body", "message": "9"}}, 413), "That is longer than the server takes."),
        "bad": (Answer({"error": {"code": "x", "message": "no question"}}, 422), "The server cannot take this."),
        "bare": (Answer('{"answer": {"outcome": "ok"}}\n'), ""),
    }  # fmt: skip

    refused: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        name = asked.path.strip("/") or "index.html"
        if name in page:
            return Answer(page[name], headers={"Content-Type": kinds[name.rpartition(".")[2]]})
        if asked.method == "GET":
            return Answer(about if name == "api/about" else {"tables": [], "description": ""})
        question = json.loads(asked.body)["question"]
        if question == "wait" and not refused:
            refused.append(asked)
            return Answer({"error": {"code": "rate", "message": "x"}}, 429, {"Retry-After": "1"})
        return replies["bare" if question == "wait" else question][0]

    with serving(answer) as server, browser.tab() as tab:
        tab.open(server.url.replace("localhost", "127.0.0.1"))
        for question, (_, title) in replies.items():
            ask(tab, question)
            assert tab.text(".turn:first-child .problem h3") == title
            assert not re.search(r"[{}<>]|detail|Gateway", tab.text(".turn .outcome"))
            assert tab.text("#go") == "Ask"
        ask(tab, "wait")
        assert "Try again in 1 second." in tab.text(".turn .problem")
        tab.click(".turn .problem button", "Try again")  # which waits until it may be clicked
        settle(tab)
        assert not tab.evaluate("document.querySelector('.turn .problem')?.checkVisibility()")


def test_history_outlives_a_reload_and_runs_nothing(serve: Callable[..., Any], tab: Tab) -> None:
    scribe = Scribe()
    served = serve(policy=scribe)
    tab.open(served.url)
    ask(tab, "revenue by country")
    ask(tab, "destroy it")
    tab.open(served.url)
    asked = len(scribe.prompts)
    tab.press("ArrowUp", "ArrowUp")
    assert tab.evaluate("document.querySelector('#question').value") == "revenue by country"
    tab.press("ArrowDown", "ArrowDown")
    assert tab.evaluate("document.querySelector('#question').value") == ""
    tab.click(".toggle", "History")
    assert [text.split("\n")[0] for text in tab.texts(".entries li")] == ["destroy it", "revenue by country"]
    assert "Norway" not in tab.evaluate("JSON.stringify({...localStorage})"), "no rows are kept"
    tab.click(".entries button", "revenue by country")
    assert tab.evaluate("document.querySelector('#question').value") == "revenue by country"
    assert tab.evaluate("document.querySelector('.turn .front').value") == BY_COUNTRY
    assert "not run" in tab.text(".turn .outcome")
    assert len(scribe.prompts) == asked
    tab.click(".turn .tools button", "Run")
    settle(tab)
    assert rows(tab) == [["Norway", "45"], ["Peru", "72"]]
    tab.click(".toggle", "History")
    tab.click(".panel button", "Clear")
    tab.click(".panel button", "Clear all 2?")
    tab.says("Nothing was asked yet.", ".panel")
    assert not [key for key in tab.evaluate("Object.keys(localStorage)") if "history" in key]


def test_what_is_kept_is_bounded_and_what_is_broken_is_left_out(serve: Callable[..., Any], tab: Tab) -> None:
    served = serve(policy=Scribe())
    tab.open(served.url)
    many = [
        {"question": f"question {n} " + "x" * 4000, "query": "select 1", "outcome": "ok", "when": n} for n in range(150)
    ]
    kept = json.dumps([*many[:3], 7, None, {"question": 1}, *many[3:]])
    tab.evaluate(f"localStorage.setItem('sqlrl.history.sqlite.shop.sqlite', {json.dumps(kept)})")
    tab.open(served.url)
    tab.wait("document.querySelectorAll('.number')[1].textContent === '100'")
    ask(tab, "how many")
    assert len(tab.evaluate("localStorage.getItem('sqlrl.history.sqlite.shop.sqlite')")) <= 200_000
    tab.evaluate("localStorage.setItem('sqlrl.history.sqlite.shop.sqlite', '{broken')")
    tab.open(served.url)
    ask(tab, "how many")
    assert tab.text(".turn .figure dd") == "3"


def test_a_policy_taught_by_single_questions_promises_no_follow_up(serve: Callable[..., Any], tab: Tab) -> None:
    scribe = Scribe()
    scribe.prompter = Prompter(style="terse")  # type: ignore[attr-defined]
    tab.open(serve(policy=scribe).url)
    ask(tab, "revenue by country")
    ask(tab, "how many of them")
    assert tab.text(".follow") == ""


def test_a_follow_up_knows_what_was_asked_until_a_new_conversation(serve: Callable[..., Any], tab: Tab) -> None:
    scribe = Scribe()
    tab.open(serve(policy=scribe).url)
    ask(tab, "revenue by country")
    ask(tab, "how many of them")
    assert "revenue by country" in scribe.prompts[-1]
    assert tab.text(".follow") == "A question may refer to the 2 before"
    tab.click("#panels button", "New")
    assert tab.texts(".turn") == []
    ask(tab, "how many of them")
    assert "revenue by country" not in scribe.prompts[-1]
    tab.click(".hint")
    tab.type("a customer is a person")
    tab.evaluate("document.querySelector('#question').focus()")
    ask(tab, "how many")
    assert "a customer is a person" in scribe.prompts[-1]


def test_all_is_done_by_keys_alone(serve: Callable[..., Any], tab: Tab, tmp_path: Path) -> None:
    answered = tmp_path / "answered.jsonl"
    tab.open(serve(policy=Scribe(), answered=answered).url)
    tab.wait("document.querySelector('.number').textContent === '2'")
    tab.type("revenue by")
    tab.press("Shift+Enter")
    tab.type("country")
    tab.press("Enter")
    settle(tab)
    assert tab.text(".turn h2") == "revenue by\ncountry"
    seen: list[str] = []
    ring = """(e => getComputedStyle(e.matches('.front, .ask') ? e.closest('.editor, .composer') : e))(
        document.activeElement)"""
    ring = f"(s => s.outlineStyle !== 'none' || s.boxShadow !== 'none')({ring})"
    bordered = "document.activeElement.matches('.front')"
    while not seen or seen[-1] != "body":
        tab.press("Tab")
        seen.append(tab.focused())
        assert seen[-1] == "body" or tab.evaluate(f"{ring} || {bordered}"), f"no sign of the focus on {seen[-1]}"
        assert len(seen) < 60, seen
    for part in (
        "Question", "Query", "go Ask", "Tables", "History", "New conversation", "revenue by", "textarea query", "Run",
        "Copy", "country", "revenue", "CSV", "Right", "It should be",
    ):  # fmt: skip
        assert any(part in each for each in seen), (part, seen)
    tab.evaluate("document.activeElement.blur()")
    tab.press("?")
    tab.see("dialog")
    assert "Ctrl" in tab.text("dialog")
    tab.click("dialog .check")
    tab.press("Escape")
    tab.wait("!document.querySelector('dialog')")
    tab.press("t", "?")
    assert not tab.evaluate("document.querySelector('dialog, .panel')"), "single letters can be switched off"
    tab.click("#keys")
    tab.click("dialog .check")
    tab.press("Escape")
    tab.wait("!document.querySelector('dialog')")
    tab.press("t")
    assert tab.focused().startswith("input filter")
    tab.type("total")
    assert tab.texts(".tables summary .name") == ["orders"]
    tab.press("Tab", "Tab", "Tab", "Tab")
    tab.press("Enter")
    assert tab.evaluate("document.activeElement.matches('.front')"), "a name goes into a query"
    assert tab.evaluate("document.activeElement.value") == f"{BY_COUNTRY} total"
    tab.evaluate("document.activeElement.blur()")
    tab.press("/")
    assert tab.focused() == "textarea question Question"
    tab.evaluate("[...document.querySelectorAll('.marks button')].find(b => b.innerText === 'Right').focus()")
    tab.press("Enter")
    tab.says("Kept: this answer is right.", ".kept")
    assert json.loads(answered.read_text())["question"] == "revenue by\ncountry"


def test_marks_are_kept_as_training_reads_them(serve: Callable[..., Any], tab: Tab, tmp_path: Path) -> None:
    answered = tmp_path / "answered.jsonl"
    tab.open(serve(policy=Scribe(), answered=answered).url)

    def kept() -> list[tuple[str, Any]]:
        return [(item["question"], item["answer"]) for item in map(json.loads, answered.read_text().splitlines())]

    ask(tab, "how many")
    tab.click(".marks button", "Right")
    tab.says("Kept: this answer is right.", ".kept")
    assert kept() == [("how many", 3)]
    for words, told, known in (
        ("42", "the number 42", 42), ("12345678901234567890", "the number 12345678901234567890", 12345678901234567890),
        ("Ann", "the text “Ann”", "Ann"), ("Ann\nBo", "a list of 2", ["Ann", "Bo"]),
        ('["Ann", "Bo", "Cy"]', "a list of 3", ["Ann", "Bo", "Cy"]),
        ("[[3]]", "a table of 1 row", {"columns": ["customers"], "rows": [[3]]}),
    ):  # fmt: skip
        tab.click(".marks button", "It should be")
        tab.press("Control+a")
        tab.type(words)
        tab.says(f"Kept as {told}.", ".should")
        tab.press("Control+Enter")
        tab.says(f"Kept: it should be {told}.", ".kept")
        assert kept() == [("how many", known)]
    assert len(read_answers(answered)) == 1
    ask(tab, "nobody")
    assert not tab.evaluate(
        "[...document.querySelectorAll('.turn:first-child .marks button')].some(b => b.innerText === 'Right')"
    )
    tab.click(".turn .marks button", "It should be")
    tab.type('{"a": 1}')
    tab.press("Control+Enter")
    tab.wait("document.querySelector('.turn .kept').innerText.length > 5")


def test_without_a_file_of_marks_none_are_asked_for(serve: Callable[..., Any], tab: Tab) -> None:
    tab.open(serve(policy=Scribe()).url)
    ask(tab, "how many")
    assert not tab.evaluate("document.querySelector('.marks')")


def test_how_a_query_is_read_is_told_when_asked(serve: Callable[..., Any], tab: Tab) -> None:
    tab.open(serve(policy=Scribe(), settings={"row_filters": {"customer": {"country": "Peru"}}}).url)
    ask(tab, "how many")
    assert tab.text(".turn .figure dd") == "2"
    tab.click(".turn summary", "How it is read")
    tab.says("Reads customer", ".plan")
    assert "Peru" in tab.text(".plan .query"), "what is sent has the row filter in it"
    assert tab.texts(".plan .lines li")


def test_without_a_policy_ones_own_queries_run(serve: Callable[..., Any], tab: Tab) -> None:
    tab.open(serve().url)
    tab.says("No policy is here to write queries")
    assert not tab.evaluate("document.querySelector('#question').checkVisibility()")
    tab.type("select name from customer")
    tab.press("Control+Enter")
    settle(tab)
    assert rows(tab) == [["Ann"], ["Bo"], ["Cy"]]
    tab.click(".turn .fold")
    assert tab.texts(".turn .fold, .turn .brief") == ["select name from customer", "3 rows"]
    tab.click("#panels button", "New")
    tab.click(".chip", "orders")
    settle(tab)
    assert tab.evaluate("document.querySelector('.turn .front').value") == "SELECT * FROM orders LIMIT 20"
    assert len(rows(tab)) == 12


def test_names_go_into_the_query_that_was_written_in_last(serve: Callable[..., Any], tab: Tab, odd: Path) -> None:
    tab.open(serve(policy=Scribe(), source=odd).url)
    ask(tab, "how many")
    tab.click(".turn .front")
    tab.press("Control+a")
    tab.type("select")
    tab.click(".toggle", "Tables")
    tab.type("a <b>")
    tab.click(".insert", "a <b>")
    assert tab.evaluate("document.querySelector('.turn .front').value") == 'select "a <b>"'


def test_a_search_engine_gives_documents(serve: Callable[..., Any], tab: Tab, tmp_path: Path) -> None:
    pytest.importorskip("bm25s")
    from sqlrl.executors import bm25
    from sqlrl.executors.documents import Document

    documents = [
        Document("d1", "Aspirin and the heart", "Low doses of aspirin may prevent a heart attack. " * 20),
        Document("d2", "", "Old hearts, and what becomes of them; heart failure."),
        Document("d3", f"Heart {HOSTILE}", "a heart"), Document("d4", "Gardens", "Tomatoes in the north."),
    ]  # fmt: skip
    bm25.build(documents, tmp_path / "index")
    tab.open(serve(source=f"bm25://{tmp_path / 'index'}").url)
    assert tab.text("#go") == "Search"
    ask(tab, "heart attack")
    titles = tab.texts(".documents h3")
    assert titles[0] == "Aspirin and the heart"
    assert len(titles) == 3
    assert tab.text(".documents .facts code") == "d1"
    tab.click(".documents .link", "more")
    assert tab.text(".documents .text").count("aspirin") == 20
    assert tab.evaluate("document.querySelector('.turn .front').value") == "heart attack"
    tab.click(".turn .front")
    tab.press("Control+a")
    tab.type("tomatoes")
    tab.press("Control+Enter")
    settle(tab)
    assert tab.texts(".documents h3") == ["Gardens"]
    tab.click(".toggle", "How to search")
    assert len(tab.text(".syntax")) > 20
    assert tab.evaluate("document.querySelectorAll('img').length") == 0
