"""A real browser for tests: a headless Chromium that is driven as a person drives it, by keys and clicks.

It is spoken to by its own protocol over a WebSocket. `Browser` is the program, `Tab` one page with storage of its own.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

__all__ = ["Browser", "Tab", "browser", "program", "tab"]

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 30.0  # seconds for anything to come about on a busy machine
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowUp": 38, "ArrowDown": 40, "ArrowLeft": 37, "ArrowRight": 39, " ": 32}
MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}


def program() -> str | None:
    """The browser's program, None where there is none on this machine."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Browser:
    """A process of its own, with a profile in `folder`; it reaches nothing but loopback."""

    def __init__(self, path: str, folder: Path) -> None:
        from websockets.sync.client import connect

        self.folder = folder
        self._process = subprocess.Popen(
            [
                path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
                "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-port=0",
                "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=127.0.0.1", f"--user-data-dir={folder / 'profile'}",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            port, path = self._address()
            self._open = ExitStack()
            self._socket = self._open.enter_context(connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None))
        except BaseException:
            self._end()
            raise
        self._numbers = itertools.count(1)
        self._tabs: dict[str, Tab] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._end()

    @contextmanager
    def tab(self, wide: int = 1100, high: int = 900, dark: bool = False) -> Iterator[Tab]:
        """A tab that shares nothing with others. At its end its page must not have complained."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        try:
            target = self.send("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
            session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            tab = self._tabs[session] = Tab(self, session, context)
            for domain in ("Page", "Runtime", "Log", "Network"):
                tab.send(f"{domain}.enable")
            tab.look(wide, high, dark)
            yield tab
            tab.evaluate("0")  # what was said until now has come in
            assert not tab.complaints, tab.complaints
        finally:
            self.send("Target.disposeBrowserContext", browserContextId=context)

    def send(self, method: str, session: str | None = None, **given: Any) -> dict[str, Any]:
        """A command's result. What comes before it is given to the tabs."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": given} | ({"sessionId": session} if session else {})
        self._socket.send(json.dumps(message))
        while True:
            found = json.loads(self._socket.recv(timeout=PATIENCE))
            if found.get("id") == number:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']['message']}")
                return found["result"]  # type: ignore[no-any-return]
            if found.get("sessionId") in self._tabs:
                self._tabs[found["sessionId"]].hear(found.get("method", ""), found.get("params", {}))

    def _address(self) -> tuple[str, str]:
        file = self.folder / "profile" / "DevToolsActivePort"
        end = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < end:
            lines = file.read_text().split("\n") if file.exists() else []
            if len(lines) > 1:
                return lines[0], lines[1]
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("the browser did not start")

    def _end(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Tab:
    """complaints: exceptions, errors on the console, and what the page's own policy forbade. asked: addresses."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self.context = context
        self.complaints: list[str] = []
        self.asked: list[str] = []

    def send(self, method: str, **given: Any) -> dict[str, Any]:
        """A command for this tab."""
        return self._browser.send(method, self._session, **given)

    def hear(self, event: str, given: dict[str, Any]) -> None:
        """What the browser tells of the page."""
        if event == "Runtime.exceptionThrown":
            details = given["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif event == "Runtime.consoleAPICalled" and given["type"] in ("error", "assert"):
            self.complaints.append(str([each.get("value") or each.get("description") for each in given["args"]]))
        elif event == "Log.entryAdded" and given["entry"]["level"] == "error":
            entry = given["entry"]
            # That a call failed is logged by the browser itself; what the page makes of it is what tests look at.
            if entry["source"] != "network":
                self.complaints.append(entry["text"])
        elif event == "Network.requestWillBeSent":
            self.asked.append(given["request"]["url"])

    def look(self, wide: int, high: int = 900, dark: bool = False, calm: bool = True) -> None:
        """Width and height of the window, and what the system prefers."""
        self.send("Emulation.setDeviceMetricsOverride", width=wide, height=high, deviceScaleFactor=1, mobile=False)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"},
        ]
        self.send("Emulation.setEmulatedMedia", features=features)

    def open(self, address: str, until: str = "#question, .composer .front") -> None:
        """Go there, until something is to be seen."""
        self.evaluate("globalThis.isOld = true")
        self.send("Page.navigate", url=address)
        self.wait(f"!globalThis.isOld && location.href.startsWith({json.dumps(address)}) && {_seen(until)}", until)

    def evaluate(self, script: str) -> Any:
        """What an expression gives; a promise is waited for."""
        found = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return found["result"].get("value")

    def wait(self, condition: str, name: str = "") -> None:
        """Until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise AssertionError(f"never: {name or condition}; complaints: {self.complaints}; {self.text()[:2000]}")
            time.sleep(0.03)

    def see(self, selector: str) -> None:
        """Until an element is to be seen."""
        self.wait(_seen(selector), selector)

    def says(self, words: str, within: str = "body") -> None:
        """Until words are to be read."""
        found = f"[...document.querySelectorAll({json.dumps(within)})]"
        self.wait(f"{found}.some(e => e.innerText.includes({json.dumps(words)}))", words)

    def text(self, selector: str = "body") -> str:
        """What is to be read of the first such element."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")  # type: ignore[no-any-return]

    def texts(self, selector: str) -> list[str]:
        """What is to be read of each such element."""
        return self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText.trim())")  # type: ignore[no-any-return]

    def click(self, selector: str, words: str = "") -> None:
        """A click of the mouse on the first such element that is to be seen (with these words)."""
        find = (
            f"[...document.querySelectorAll({json.dumps(selector)})].find(e => e.checkVisibility() && "
            f"(!{json.dumps(words)} || (e.innerText || e.ariaLabel || '').includes({json.dumps(words)})))"
        )
        self.wait(f"{find} && !{find}.disabled", f"{selector} {words}")
        x, y = self.evaluate(
            f"(() => {{ const e = {find}; e.scrollIntoView({{block: 'center', behavior: 'instant'}});"
            " const b = e.getBoundingClientRect(); return [b.x + Math.min(b.width / 2, 60), b.y + b.height / 2]; })()"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def hover(self, x: float, y: float) -> None:
        """The mouse goes there."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.send("Input.insertText", text=text)

    def press(self, *keys: str) -> None:
        """One key after another: "Enter", "a", "Control+Enter"."""
        for key in keys:
            *held, last = key.split("+") if len(key) > 1 else [key]
            given: dict[str, Any] = {"key": last, "modifiers": sum(MODIFIERS[each] for each in held)}
            if last in KEYS:
                given |= {"windowsVirtualKeyCode": KEYS[last], "code": "Space" if last == " " else last}
            typed = {"Enter": "\r", " ": " "}.get(last, last if len(last) == 1 else "")
            if key == "Control+a":
                given["commands"] = ["selectAll"]  # the browser's own window would do it; there is none
            if typed and not {"Control", "Meta", "Alt"} & set(held):
                given["text"] = typed
            self.send("Input.dispatchKeyEvent", type="keyDown" if "text" in given else "rawKeyDown", **given)
            self.send("Input.dispatchKeyEvent", type="keyUp", **{k: v for k, v in given.items() if k != "text"})

    def focused(self) -> str:
        """What has the focus, in a few words."""
        return self.evaluate(  # type: ignore[no-any-return]
            "(e => e === document.body ? 'body' : "
            "[e.tagName.toLowerCase(), e.id, e.ariaLabel || e.innerText].filter(Boolean).join(' '))"
            "(document.activeElement)"
        )

    def save(self, file: Path, full: bool = False) -> None:
        """A picture of the page."""
        given: dict[str, Any] = {}
        if full:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            given = {
                "captureBeyondViewport": True,
                "clip": {"x": 0, "y": 0, "scale": 1, **{k: size[k] for k in ("width", "height")}},
            }
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png", **given)["data"]))


def _seen(selector: str) -> str:
    return f"[...document.querySelectorAll({json.dumps(selector)})].some(e => e.checkVisibility())"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One for all tests, with tabs of their own. Skipped without, but for where SQLRL_REQUIRE_BROWSER forbids that."""
    path = program()
    if path is None and os.environ.get("SQLRL_REQUIRE_BROWSER"):
        pytest.fail("SQLRL_REQUIRE_BROWSER is set and there is no chromium")
    if path is None:
        pytest.skip("no chromium on this machine")
    with Browser(path, tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    with browser.tab() as opened:
        yield opened
