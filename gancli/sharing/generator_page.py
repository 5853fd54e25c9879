"""A page in which a generator runs: its weights, its operations and the stream of its latents."""

import base64
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gancli.data.images import WHITE_LEVEL
from gancli.errors import UsageError
from gancli.html import page_bytes, template
from gancli.networks import GeneratorSpec
from gancli.outside import model_from
from gancli.pasteable import command
from gancli.plurals import counted
from gancli.prior import NumberPlace, Prior, sample_purpose
from gancli.rng import SEED_LIMIT, purpose_word
from gancli.sharing.card import GeneratorCard
from gancli.sharing.tensor_program import PackedProgram, TensorProgram, require_operations, traced
from gancli.traverse import NORMAL_SPAN, UNIFORM_SPAN

MAX_PAGE_BYTES = 20_000_000
"""Size of a page with all that is in it."""
MAX_ROUNDING_LEVELS = 0.5
"""Grey levels by which rounded weights may change the checked images: so many that pixels become
the neighbouring level at most, and twice as many on other seeds do no harm."""
_INSTEAD = command("export", "RUN", "--to", "onnx")
_PARTS = {"program": "application/json", "weights": "text/plain", "card": "application/json"}
"""Contents of the page that other programs may read, by id, and their types."""


def generator_page(
    program: torch.export.ExportedProgram, inputs: Mapping[str, Tensor], card: GeneratorCard
) -> bytes:
    """The page, in UTF-8.

    Args:
        program: the generator's graph.
        inputs: examples by name, in order.
        card: what there is to know of it.

    Raises:
        UsageError: it has an operation that the page cannot compute, or is too large.
    """
    names = tuple(inputs)
    exact = traced(program, names, halved=False)
    require_operations(exact.program, known_operations(), f"type {_INSTEAD} instead")
    types = sorted({each.type for each in exact.program.weights if each.type != "int64"})
    page = _rendered(exact, card, " and ".join(types) + ", without loss")
    if len(page) <= MAX_PAGE_BYTES:
        return page
    rounded = traced(program, names, halved=True)
    off = _off(exact, rounded, inputs, card)
    count = counted(len(next(iter(inputs.values()))), "image")
    said = f"rounded to float16, which changes {count} by {off:.2f} grey levels at most"
    smaller = _rendered(rounded, card, said)
    if len(smaller) > MAX_PAGE_BYTES or off > MAX_ROUNDING_LEVELS:
        raise _too_large(len(page), card)
    return smaller


def run_generator_page(path: Path, inputs: Mapping[str, Tensor]) -> Tensor:
    """Samples that the operations and weights in a page make of inputs, computed by torch."""
    page = path.read_text(encoding="utf-8")
    program = model_from(TensorProgram, page_part(page, "program"), path)
    content = base64.b64decode(page_part(page, "weights"))
    with torch.no_grad():
        return PackedProgram(program, content).run(inputs)


def page_part(page: str, name: str) -> str:
    """The text of `program`, `weights` or `card` in a page."""
    start = f'<script type="{_PARTS[name]}" id="{name}">'
    return page.partition(start)[2].partition("</script>")[0]


def known_operations() -> list[str]:
    """The operations that the page can compute, as its script lists them."""
    script = template("gancli.sharing", "operations.js").render()
    return re.findall(r'^  "([\w.]+)": ', script, re.MULTILINE)


def _rendered(packed: PackedProgram, card: GeneratorCard, stored: str) -> bytes:
    """The page of a program whose weights are stored as these words say."""
    page = template("gancli.sharing", "generator.html.jinja").render(
        card=card,
        facts=_facts(card, packed, stored),
        program=packed.program.model_dump(mode="json"),
        weights=packed.base64(),
        prior=_prior(card),
        shown=_shown(card),
        card_json=card.model_dump(mode="json", exclude_none=True),
    )
    return page_bytes(page)


def _off(
    exact: PackedProgram,
    rounded: PackedProgram,
    inputs: Mapping[str, Tensor],
    card: GeneratorCard,
) -> float:
    """Grey levels by which rounding changes samples; points must not be changed."""
    if card.range is None:
        return math.inf
    black, white = card.range
    first, second = (each.run(inputs).clamp(black, white) for each in (exact, rounded))
    return float((first - second).abs().max()) * WHITE_LEVEL / (white - black)


def _too_large(size: int, card: GeneratorCard) -> UsageError:
    field = type(card.network).width_field
    return UsageError(
        f"the page would be {size / 1e6:,.0f} MB, and may be {MAX_PAGE_BYTES / 1e6:.0f}: type "
        f"{_INSTEAD} instead, or train a generator with fewer weights (--set "
        f"generator.network.{field}=...)"
    )


def _prior(card: GeneratorCard) -> dict[str, Any]:
    """What the page draws latents from: their parts, and a key for each stream."""
    prior = card.prior
    sizes = {each.name: each.shape[1:] for each in card.inputs}
    places = prior.number_places()
    numbers = {name: _numbers(places[name], sizes[name]) for name in places}
    labels = [None, *range(len(card.classes))]
    parts = [*numbers, *(["category"] if prior.categories else [])]
    keys = {
        "" if label is None else str(label): {
            part: str(purpose_word(sample_purpose(part, label))) for part in parts
        }
        for label in labels
    }
    return {
        "numbers": numbers,
        "shapes": sizes,
        "categories": prior.categories,
        "classes": len(card.classes),
        "keys": keys,
        "seeds": SEED_LIMIT,
        "truncation": card.truncation,
    }


def _numbers(place: NumberPlace, shape: tuple[str | int, ...]) -> dict[str, Any]:
    span = UNIFORM_SPAN if place.distribution == "uniform" else NORMAL_SPAN
    return {
        "distribution": place.distribution,
        "middle": place.middle,
        "scale": place.scale,
        "count": math.prod(map(int, shape)),
        "low": span[0] * place.scale + place.middle,
        "high": span[1] * place.scale + place.middle,
    }


def _shown(card: GeneratorCard) -> dict[str, Any]:
    """What the page calls its axes and classes, and how it reads what the network makes."""
    prior: Prior = card.prior
    layers, directions = prior.levels or (0, 0)
    numbers = [
        {"name": axis.name, "part": "code" if axis.kind == "code" else "levels",
         "place": axis.layer * directions + axis.index, "layer": axis.layer}
        for axis in prior.axes()
        if axis.kind != "category"
    ]  # fmt: skip
    names = card.category_names or [str(n) for n in range(prior.categories)]
    return {
        "kind": card.kind,
        "shape": card.shape,
        "range": card.range,
        "axes": numbers,
        "layers": layers,
        "classes": card.classes,
        "categories": names,
        "file": f"{card.preset}-{card.dataset}",
    }


def _facts(card: GeneratorCard, packed: PackedProgram, stored: str) -> dict[str, str]:
    network: GeneratorSpec = card.network
    makes = "x".join(map(str, card.shape))
    facts = {
        "model": f"{card.preset}, {card.variant}",
        "data set": card.dataset,
        "step": f"{card.step:,}",
        "makes": f"{card.kind} of {makes}" + (" numbers" if card.kind == "points" else ""),
        "network": f"{network.family}: {packed.parameters:,} numbers, {card.weights}",
        "weights": f"{stored}: {len(packed.content) / 1e6:,.2f} MB",
    }
    if card.licence is not None:
        facts["data's licence"] = card.licence
    return facts | {"written by": f"gancli {card.gancli}"}
