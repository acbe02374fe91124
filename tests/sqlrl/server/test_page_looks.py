"""How the page looks: contrast in light and dark, narrow windows, names for screen readers, nothing hostile."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Browser, Tab
from tests.sqlrl.server.visitor import HOSTILE, SCRIPT, Scribe, add_odd, ask, settle

pytestmark = pytest.mark.slow


@pytest.fixture
def odd(shop: Path) -> Path:
    return add_odd(shop)


def test_nothing_hostile_is_run(serve: Callable[..., Any], tab: Tab, odd: Path) -> None:
    tab.open(
        serve(
            policy=Scribe({**SCRIPT, "onerror": f"select '{HOSTILE.replace(chr(39), chr(39) * 2)}' as \"<b>x\", 1"}),
            source=odd,
        ).url
    )
    ask(tab, f"odd {HOSTILE}")
    ask(tab, "odd ones")
    tab.click(".toggle", "Tables")
    tab.says("<img src=x", ".tables")
    tab.click(".toggle", "History")
    tab.says("<img src=x", ".entries")
    tab.evaluate("new Promise(done => setTimeout(done, 200))")
    assert tab.evaluate("document.title") == "shop.sqlite · sqlrl"
    assert tab.evaluate("document.querySelectorAll('img, main script, main b, iframe').length") == 0
    header = tab.evaluate("fetch('/').then(r => r.headers.get('content-security-policy'))")
    assert "default-src 'none'" in header
    assert "unsafe" not in header
    assert tab.evaluate("document.querySelectorAll('[style*=expression], [onclick], [onerror]').length") == 0


CONTRAST = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = (text) => {
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (text) => rgb(text).reduce((sum, v, i) => sum + linear(v / 255) * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const found = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$|transparent/.test(found)) return found;
    }
    return 'white';
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.checkVisibility() || e.closest('.unseen, .skip, :disabled') || e.matches('.front')) continue;
    if (![...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const style = getComputedStyle(e);
    const pair = [e instanceof SVGElement ? style.fill : style.color, ground(e)].map(light).sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) poor.push(`${e.tagName} ${e.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_word_can_be_read_in_light_and_dark(
    serve: Callable[..., Any], browser: Browser, odd: Path, tmp_path: Path, dark: bool
) -> None:
    served = serve(
        policy=Scribe({**SCRIPT, "colours": "select 'a', 1 as \"b\" from customer -- c"}),
        source=odd,
        answered=tmp_path / "a.jsonl",
        settings={"repairs": 1},
    )
    with browser.tab(dark=dark) as tab:
        tab.open(served.url)
        ground = "getComputedStyle(document.body).backgroundColor"
        total = sum(map(int, re.findall(r"\d+", tab.evaluate(ground))[:3]))
        assert total < 150 if dark else total > 650
        assert tab.evaluate(CONTRAST) == []
        for question in ("colours", "misspelt", "odd ones", "by country", "how many"):
            ask(tab, question)
            tab.evaluate("document.querySelectorAll('.turn:first-child details').forEach(d => { d.open = true; })")
            tab.evaluate("new Promise(done => setTimeout(done, 60))")
            assert tab.evaluate(CONTRAST) == [], question
        for panel in ("Tables", "History"):
            tab.click(".toggle", panel)
            assert tab.evaluate(CONTRAST) == [], panel
        before = tab.evaluate(ground)
        tab.click("#theme")
        assert tab.evaluate(ground) != before
        assert tab.evaluate(CONTRAST) == []
        tab.open(served.url)
        assert tab.evaluate(ground) != before, "what was chosen outlives a reload"
        tab.click("#theme")
        assert tab.evaluate(ground) == before
        assert tab.evaluate("localStorage.getItem('sqlrl.theme')") is None, "the system's colours are followed again"


def test_narrow_windows_need_no_sideways_scrolling(
    serve: Callable[..., Any], browser: Browser, odd: Path, tmp_path: Path
) -> None:
    served = serve(policy=Scribe(), source=odd, answered=tmp_path / "a.jsonl", settings={"repairs": 1})
    with browser.tab(wide=360, high=640) as tab:
        tab.open(served.url)
        fits = "document.documentElement.scrollWidth <= innerWidth"
        assert tab.evaluate(fits)
        for question in ("by country", "by day", "odd ones", "misspelt", "how many", "x" * 300):
            ask(tab, question)
            for wide in (360, 550, 1100):  # 550: a window of 1,100 at 200 %
                tab.look(wide)
                assert tab.evaluate(fits), (question, wide)
            tab.look(360)
        for panel in ("Tables", "History"):
            tab.click(".toggle", panel)
            assert tab.evaluate(fits), panel


def test_everything_has_a_name_and_a_role(serve: Callable[..., Any], tab: Tab, tmp_path: Path) -> None:
    tab.open(serve(policy=Scribe(), answered=tmp_path / "a.jsonl").url)
    ask(tab, "revenue by country")
    tab.click(".marks button", "It should be")
    tab.click(".toggle", "Tables")
    nodes = tab.send("Accessibility.getFullAXTree")["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]
    wanting = {
        "button",
        "textbox",
        "searchbox",
        "table",
        "figure",
        "img",
        "region",
        "article",
        "meter",
        "heading",
        "image",
    }
    assert [role for role, name in named if role in wanting and not name.strip()] == []
    roles = {role for role, _ in named}
    assert {"banner", "main", "table", "columnheader", "cell", "status", "article", "heading", "image"} <= roles
    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_motion_is_left_out_for_who_asks(serve: Callable[..., Any], tab: Tab) -> None:
    gate = threading.Event()
    tab.open(serve(policy=Scribe({**SCRIPT, "slowly": lambda: "select 1" if gate.wait(20) else ""})).url)
    tab.type("slowly")
    tab.press("Enter")
    tab.see(".pulse")
    animation = "getComputedStyle(document.querySelector('.pulse')).animationName"
    assert tab.evaluate(animation) == "none"
    tab.look(1100, calm=False)
    assert tab.evaluate(animation) == "pulse"
    gate.set()
    settle(tab)


def test_every_part_is_asked_for_at_once(serve: Callable[..., Any], tab: Tab) -> None:
    """A module that is found only inside of another one costs a further round over the network."""
    served = serve(policy=Scribe())
    tab.open(served.url)
    page = {file.name for file in files("sqlrl.server").joinpath("page").iterdir()} - {"index.html"}
    listed = re.findall(r'(?:src|href)="([\w.]+\.(?:js|css))"', served.client().get("/").text)
    assert sorted(listed) == sorted(page)
    loaded = [address.removeprefix(f"{served.url}/") for address in tab.asked]
    assert page <= set(loaded)
    assert len(loaded) == len(set(loaded)), "nothing is loaded twice"


def test_a_schema_of_a_thousand_tables_and_a_long_answer_are_there_at_once(
    serve: Callable[..., Any], tab: Tab, shop: Path
) -> None:
    with sqlite3.connect(shop) as connection:
        connection.execute("begin")
        for number in range(1000):
            connection.execute(f"create table t{number}(id integer, name text, place text, size real)")
        connection.execute("create table long(a, b, c, d, e, f, g, h, i, j)")
        connection.executemany(f"insert into long values ({', '.join('?' * 10)})", ([n] * 10 for n in range(1000)))
    connection.close()
    tab.open(serve(policy=Scribe({"long": "select * from long"}), source=shop, settings={"rows": 1000}).url)
    ask(tab, "long")
    tab.wait("document.querySelector('.number').textContent === '1003'")
    tab.evaluate("void (globalThis.slow = 0, new PerformanceObserver(list => list.getEntries().forEach("
                 "e => { slow = Math.max(slow, e.duration); })).observe({type: 'longtask'}))")  # fmt: skip
    tab.click(".turn th button", "a")
    tab.click(".more-rows")
    tab.press("Escape")
    tab.click(".toggle", "Tables")
    assert len(tab.texts(".tables summary")) == 60
    assert tab.text(".panel-head .soft").startswith("1,003 tables, the first 60 shown")
    tab.type("t77 size")
    tab.says("11 of 1,003 tables", ".panel-head")
    assert tab.evaluate("slow") < 500, "milliseconds, on a busy machine"
