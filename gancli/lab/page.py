"""The laboratory's page: everything inline, so that it opens from disk and fetches nothing."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from gancli.html import template
from gancli.lab.preset_settings import LabTable
from gancli.palette import FAKE_COLOUR, FAKE_FIELD, INK, REAL_COLOUR, REAL_FIELD

_TEMPLATES = Path(__file__).parent / "templates"
KERNEL_FILE = _TEMPLATES / "engine" / "kernel.wasm"
"""The assembled matrix product of kernel.wat, its neighbour."""
ENGINE_FILES = (
    "store", "tensor", "gradients", "random", "networks", "optimizers", "terms", "draws",
    "turns", "coverage", "equations", "signals", "health", "lab",
)  # fmt: skip
"""The engine's scripts, in the order in which they are read."""
INNER_NAMES = (
    "Tensor", "Network", "Stream", "TERMS", "CONSTRAINTS", "OPTIMIZERS", "STARTS", "RULES",
    "gradients", "within", "makeStore", "multiply", "add", "subtract", "times", "divide", "scaled",
    "squared", "root", "tanh", "sigmoid", "softplus", "leaky", "total", "mean", "linear", "joined",
    "columns", "constant", "leaf", "summedTo", "spread", "kernelUse", "coverage", "remember",
)  # fmt: skip
"""What tests may use of it, as Lab.inner.NAME."""
COLOURS = {
    "real": REAL_COLOUR, "fake": FAKE_COLOUR, "realField": REAL_FIELD, "fakeField": FAKE_FIELD,
    "ink": INK,
}  # fmt: skip
"""The colours of the tool's pictures of points, under the names that the page's scripts use."""


@dataclass(frozen=True)
class LabChoice:
    """What the page shows when it is opened."""

    dataset: str
    model: str | None = None
    """the first lab's model; None: the page's usual pair"""
    against: str | None = None
    """the second lab's model; None: there is one lab"""


def engine() -> str:
    """The engine as one script, which defines `Lab` and touches no page, so that workers run it."""
    kernel = base64.b64encode(KERNEL_FILE.read_bytes()).decode()
    parts = [
        (_TEMPLATES / "engine" / f"{name}.js").read_text(encoding="utf-8") for name in ENGINE_FILES
    ]
    return "\n".join(
        [
            "const Lab = (() => {",
            '"use strict";',
            f'const KERNEL_BYTES = "{kernel}";',
            *parts,
            f"Lab.inner = {{ {', '.join(INNER_NAMES)} }};",
            "return Lab;",
            "})();",
        ]
    )


def lab_page(tables: LabTable, choice: LabChoice) -> str:
    """The page.

    Args:
        tables: all that it may choose from.
        choice: what it shows first.
    """
    chosen = {"dataset": choice.dataset, "model": choice.model, "against": choice.against}
    return template("gancli.lab", "lab.html.jinja").render(
        engine=engine(),
        tables=_inline(tables),
        chosen=_inline(chosen),
        colours=COLOURS,
    )


def _inline(value: object) -> str:
    """JSON that may stand within a script: a name may hold what would end it."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")
