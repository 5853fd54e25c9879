"""Opens a page in headless chromium, at any width, and asks it what it shows."""

import base64
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

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
  found.dataset.said = btoa(JSON.stringify(said));
  parent.document.body.append(parent.document.adoptNode(found));
});</script>"""
FRAME = '<!doctype html><body><iframe width="{}" height="{}" srcdoc="{}"></iframe></body>'


def look_at(
    page: Path, size: tuple[int, int], script: str = "const own = {};"
) -> tuple[dict[str, Any], str]:
    """What a page's elements say, and what the console says.

    Args:
        page: an HTML file.
        size: width and height of the window, in pixels.
        script: uses the page, and defines `own`, what else is to be told.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    # A window is never narrower than 500 pixels, a frame is.
    probe = page.with_name("probe.html")
    watched_page = page.read_text().replace("</body>", f"{LOOK % script}</body>")
    probe.write_text(FRAME.format(*size, html.escape(watched_page)))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    result = subprocess.run(
        [chromium, *options, f"--user-data-dir={page.parent / 'profile'}", "--dump-dom",
         "--virtual-time-budget=5000", probe.absolute().as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )  # fmt: skip
    found = re.search(r'data-said="([^"]+)"', result.stdout)
    assert found, result.stderr
    console = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(base64.b64decode(found[1])), "\n".join(console)
