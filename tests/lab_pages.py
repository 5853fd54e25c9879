"""Runs scripts in a page of the laboratory, in headless chromium."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from browser import look_at

from gancli.lab.choices import lab_tables
from gancli.lab.page import LabChoice, lab_page
from gancli.lab.preset_settings import LabTable

SIZE = (1280, 900)
WITHIN = """
let own;
try {
  const { within, makeStore, remember, Tensor, Network, Stream, gradients } = Lab.inner;
  const normal = (stream, count) => stream.fill(new Float64Array(count), "normal");
  %s;
  own = { answer };
} catch (error) {
  own = { error: String(error.stack) };
}
"""


@cache
def tables() -> LabTable:
    return lab_tables()


def asked(folder: Path, script: str) -> Any:  # noqa: ANN401
    """The value of `answer`, which the script defines, as JSON has it.

    Args:
        folder: where the page goes.
        script: of a function's body, which may use `Lab` and its parts.
    """
    page = folder / "lab.html"
    page.write_text(lab_page(tables(), LabChoice("ring8", "gan")))
    said, _ = look_at(page, SIZE, WITHIN % script)
    assert "error" not in said, said["error"]
    return said["answer"]


def literal(value: object) -> str:
    """A value as a script has it."""
    return json.dumps(value)
