"""What an exported generator says of itself: inputs, outputs, where it comes from, its scores."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

import gancli
from gancli.checkpoint import Checkpoint, Network
from gancli.evaluation.protocol import Evaluation
from gancli.networks import AnyGenerator
from gancli.preset import Preset
from gancli.prior import Distribution, Prior
from gancli.sampler import Sampler
from gancli.settings import Settings
from gancli.sharing.private import public_evaluation
from gancli.types import Latent

SAMPLES = "samples"
"""What the output of an exported generator is called."""
BATCH = "batch"
"""What its first axis is called, which may be of any length."""


class InputCard(Settings):
    """One input of an exported generator."""

    name: str
    """a part of the latent: z, label, category, code or levels"""
    shape: tuple[str | int, ...]
    """`batch`, and the sizes of the other axes"""
    type: Literal["float32", "int64"]
    values: str
    """how the numbers are distributed in training, or which numbers there are"""


class GeneratorCard(Settings):
    """A generator alone, as a file of another format describes it."""

    gancli: str
    """version that wrote the file"""
    preset: str
    """name of the model"""
    variant: str
    dataset: str
    step: int
    weights: Network
    kind: Literal["images", "points"]
    shape: tuple[int, ...]
    """of one sample: channels, height and width, or coordinates"""
    range: tuple[float, float] | None = None
    """black and white in the images; None: points, in the units of the data"""
    unit: float = 1.0
    """how much the network's 1 is in the samples"""
    inputs: tuple[InputCard, ...]
    """in order"""
    truncation: float | None = None
    """largest distance of the noise from its middle, as the preset samples; None: no limit"""
    classes: tuple[str, ...] = ()
    """what labels stand for; empty: the generator takes none"""
    category_names: tuple[str, ...] = ()
    """what categories stand for that were taught classes; empty: nothing in particular"""
    licence: str | None = None
    """of the data it has learnt from; None: not known"""
    scores: tuple[Evaluation, ...] = ()
    """of these weights, each with its protocol"""
    network: AnyGenerator
    """the generator's settings, without spectral norm: it is folded into the weights"""
    prior: Prior
    labels: int = Field(default=0, ge=0)
    """classes of the data, which the network may be built for"""


def card_of(
    saved: Checkpoint,
    sampler: Sampler,
    evaluations: Sequence[Evaluation],
    *,
    raw: bool,
    licence: str | None = None,
) -> GeneratorCard:
    """The card of a checkpoint's generator.

    Args:
        saved: the checkpoint.
        sampler: of its generator.
        evaluations: those of its run; the card names those of its step and weights.
        raw: whether its weights are as trained, even where there is an average.
        licence: of the data, where it is known.
    """
    preset, network = saved.header.preset, saved.network(raw=raw)
    data, spec = preset.data, preset.generator.network
    if "spectral" in type(spec).model_fields:
        spec = spec.model_copy(update={"spectral": False})
    own = [e for e in evaluations if (e.step, e.protocol.network) == (saved.header.step, network)]
    return GeneratorCard(
        gancli=gancli.__version__,
        preset=preset.name,
        variant=preset.variant,
        dataset=preset.dataset,
        step=saved.header.step,
        weights=network,
        kind=data.key,
        shape=data.shape.x,
        range=data.black_and_white if data.key == "images" else None,
        unit=data.unit,
        inputs=tuple(_inputs(preset, sampler.latent([0]))),
        truncation=preset.prior.truncation,
        classes=data.class_names if preset.classes else (),
        category_names=preset.category_names,
        licence=licence,
        scores=tuple(map(public_evaluation, own)),
        network=spec,
        prior=preset.prior,
        labels=data.shape.classes,
    )


def _inputs(preset: Preset, latent: Latent) -> list[InputCard]:
    """The parts of a latent of this preset."""
    prior = preset.prior
    values = {
        "z": _distributed(prior.distribution, prior.scale, prior.low),
        "label": f"0 to {preset.classes - 1}: the class",
        "category": f"0 to {prior.categories - 1}, equally likely",
        "code": _distributed(prior.code_distribution, 1.0, None),
        "levels": _distributed("normal", 1.0, None),
    }
    return [
        InputCard(
            name=name,
            shape=(BATCH, *part.shape[1:]),
            type="float32" if part.is_floating_point() else "int64",
            values=values[name],
        )
        for name, part in latent._asdict().items()
        if part is not None
    ]


def _distributed(distribution: Distribution, scale: float, low: float | None) -> str:
    if distribution == "normal":
        return f"N(0, {scale:g}^2)"
    return f"U({-scale if low is None else low:g}, {scale:g})"
