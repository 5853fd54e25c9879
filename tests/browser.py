"""Opens a page in headless chromium, at any width, asks it what it shows, and types and clicks."""

import base64
import html
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

LOOK = """<script>addEventListener("load", () => {
  %s
  const images = [...document.images];
  const said = {
    broken: images.filter((i) => !i.complete || !i.naturalWidth).length, images: images.length,
    overflow: document.documentElement.scrollWidth - innerWidth, width: innerWidth,
    small: Math.min(...[...document.querySelectorAll("p, td, th, h1, svg text")].map(
      (node) => parseFloat(getComputedStyle(node).fontSize))), ...own,
  };
  const found = document.createElement("template");
  found.id = "found";
  // In base64 there is room for bytes alone.
  const bytes = Array.from(new TextEncoder().encode(JSON.stringify(said)));
  found.dataset.said = btoa(bytes.map((byte) => String.fromCharCode(byte)).join(""));
  parent.document.body.append(parent.document.adoptNode(found));
});</script>"""
SIDEWAYS = """
  const shown = [...document.querySelectorAll("main *")];
  const scrolls = (e) => e.scrollWidth > e.clientWidth + 1
    && !["visible", "hidden"].includes(getComputedStyle(e).overflowX);
  const beyond = (e) => e.getBoundingClientRect().right > innerWidth + 1;
  const own = {
    scrolling: shown.filter(scrolls).map((e) => e.className || e.tagName),
    outside: shown.filter((e) => beyond(e) && !e.closest(".strip, .scroller")).map(
      (e) => e.tagName),
    narrow: Math.min(...[...document.images].map((i) => i.getBoundingClientRect().width)),
  };
"""
"""What is wider than its place; a film strip and a table in a scroller may be."""
SECONDS = 120
"""What a browser may take for a page."""
KEYS = {
    **{"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9},
    **{"Home": 36, "End": 35, "Enter": 13, " ": 32, "Backspace": 8, "b": 66, "r": 82, "s": 83},
}
TEXTS = {"Enter": "\r", " ": " "}
"""Keys that write something, which makes buttons take them for a click."""
THREE_AND_FOUR = """
import os, sys
for place, file in enumerate(sys.argv[1:3]):
    os.dup2(int(file), 100 + place)
os.dup2(100, 3)
os.dup2(101, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads questions from file 3, and answers into file 4."""
FRAME = """<!doctype html><meta charset="utf-8">
<body><iframe width="{}" height="{}" srcdoc="{}"></iframe></body>"""


def _chromium(page: Path) -> list[str]:
    """The command, with a profile of its own beside the page."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    profile = page.absolute().parent / "profile"
    return [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]


def look_at(
    page: Path, size: tuple[int, int], script: str = "const own = {};"
) -> tuple[dict[str, Any], str]:
    """What a page's elements say, and what the console says.

    Args:
        page: an HTML file.
        size: width and height of the window, in pixels.
        script: uses the page, and defines `own`, what else is to be told.
    """
    # A window is never narrower than 500 pixels, a frame is.
    probe = page.with_name("probe.html")
    watched_page = page.read_text().replace("</body>", f"{LOOK % script}</body>")
    probe.write_text(FRAME.format(*size, html.escape(watched_page)))
    result = subprocess.run(
        [*_chromium(page), "--enable-logging=stderr", "--dump-dom", "--virtual-time-budget=5000",
         probe.absolute().as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )  # fmt: skip
    found = re.search(r'data-said="([^"]+)"', result.stdout)
    assert found, result.stderr
    console = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(base64.b64decode(found[1])), "\n".join(console)


class Tab:
    """A page whose keys and clicks come from outside, as a person's do (DevTools' protocol).

    Events that a script makes move no slider: the browser trusts its own alone.
    """

    def __init__(self, to_browser: IO[bytes], from_browser: IO[bytes]) -> None:
        self.to_browser, self.from_browser = to_browser, from_browser
        self.session: dict[str, str] = {}
        self.count = 0
        self.complaints: list[object] = []
        """errors of the page's scripts, and what the console says"""

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Ask the browser; returns its answer."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters, **self.session}
        self.to_browser.write(json.dumps(message).encode() + b"\0")
        self.to_browser.flush()
        answer = self._wait_for("id", self.count)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _wait_for(self, key: str, value: object) -> dict[str, Any]:
        """The next message with this value."""
        while True:
            message = b""
            while not message.endswith(b"\0"):
                byte = self.from_browser.read(1)
                assert byte, "the browser has gone"
                message += byte
            said: dict[str, Any] = json.loads(message[:-1])
            if said.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.complaints.append(said["params"])
            if said.get(key) == value:
                return said

    def open(self, page: Path, size: tuple[int, int], link: str = "") -> None:
        """Load a page into a window of this size, and wait until it is there; `link`: after a #."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self.session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        shape = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **shape)
        self.ask("Page.navigate", url=page.absolute().as_uri() + link)
        self._wait_for("method", "Page.loadEventFired")

    def reload(self) -> None:
        """Load the page anew, and wait until it is there: an event may be that of the old one."""
        self.tell("window.isOld = true")
        self.ask("Page.reload")
        while not self.tell("!window.isOld && document.readyState === 'complete'"):
            time.sleep(0.05)

    def tell(self, expression: str) -> Any:  # noqa: ANN401
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Type a key of `KEYS`."""
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        if key in TEXTS:
            self.ask("Input.dispatchKeyEvent", type="keyDown", text=TEXTS[key], **code)
        else:
            self.ask("Input.dispatchKeyEvent", type="rawKeyDown", **code)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **code)

    def write(self, text: str) -> None:
        """Type a text into what has the focus, letter by letter."""
        for letter in text:
            self.ask("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
            self.ask("Input.dispatchKeyEvent", type="keyUp", key=letter)

    def click(self, x: float, y: float) -> None:
        """Click at a place of the window."""
        where = {"x": x, "y": y, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, **where)


@contextmanager
def opened(page: Path, size: tuple[int, int], link: str = "") -> Iterator[Tab]:
    """A page in a browser that a test may use; `link`: what follows its address."""
    command = _chromium(page)
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", THREE_AND_FOUR, str(theirs_in), str(theirs_out), *command,
         "--remote-debugging-pipe"],
        pass_fds=(theirs_in, theirs_out),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs_in)
    os.close(theirs_out)
    watch = threading.Timer(SECONDS, process.kill)
    watch.start()
    try:
        with open(ours_out, "wb") as to_browser, open(ours_in, "rb") as from_browser:  # noqa: PTH123
            tab = Tab(to_browser, from_browser)
            tab.open(page, size, link)
            yield tab
            tab.session = {}
            tab.ask("Browser.close")
    finally:
        watch.cancel()
        process.kill()
        process.wait()
