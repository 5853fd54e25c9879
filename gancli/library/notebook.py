"""How a model shows itself in a notebook."""

import io
from collections.abc import Mapping
from html import escape

from PIL import Image

from gancli.checkpoint import Header
from gancli.html import data_uri
from gancli.runs.folder import Best


def model_card(header: Header, weights: str, best: Best | None, picture: Image.Image) -> str:
    """A model's name, its step, its last losses and scores, and samples.

    Args:
        header: of its checkpoint.
        weights: which of the generator's weights, in words.
        best: the best checkpoint of its run, where some were evaluated.
        picture: samples.
    """
    preset = header.preset
    known = {
        "data": preset.dataset,
        "variant": preset.variant,
        "step": f"{header.step:,} of {preset.schedule.steps:,}",
        "weights": weights,
    }
    if best is not None:
        known["best"] = f"step {best.step:,}, by {best.by}, of {best.of} evaluated"
    known |= {k: f"{value:.4g}" for k, value in header.metrics.items() if k != "step"}
    buffer = io.BytesIO()
    picture.save(buffer, "png", optimize=True)
    return (
        f"<div><b>{escape(preset.name)}</b> {escape(preset.summary)}"
        f'<div style="display:flex;gap:1em;align-items:flex-start">{_table(known)}'
        f'<img src="{data_uri(buffer.getvalue())}" style="max-width:420px" alt="samples">'
        "</div></div>"
    )


def _table(rows: Mapping[str, str]) -> str:
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items()
    )
    return f"<table>{cells}</table>"
