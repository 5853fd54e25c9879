"""What many tests share: every preset, narrowed until it trains in milliseconds."""

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gancli import catalog
from gancli.checkpoint import Checkpoint, RunSettings
from gancli.data import BatchSource, Dataset, Mixture
from gancli.evaluation.extractors import Extractor, Seen
from gancli.evaluation.protocol import Evaluation, Protocol
from gancli.networks import fit
from gancli.objective.context import Context, Scene, Side
from gancli.objective.scene import make_scene
from gancli.objective.take_turn import Memory
from gancli.objective.term import Term
from gancli.objective.turn import Losses, Turn
from gancli.parallel import World
from gancli.preset import Preset, change, load_preset
from gancli.runs.folder import Run
from gancli.trainer import Job
from gancli.types import Draws, GeneratorNet, Latent, Players, Sample
from gancli.writer import write

Key = tuple[str, str, str]


def every_choice() -> list[Key]:
    """(model, data set, variant) of all there are."""
    return [
        (model, dataset, variant)
        for model in catalog.model_names()
        for dataset in catalog.preset_file(model).datasets
        for variant in catalog.preset_file(model).variants_on(dataset)
    ]


def first_of_each(keys: Iterable[Key], *, model_alone: bool = False) -> list[Any]:
    """Keys to try: the first of each model on each data set by default, the others as slow tests.

    `model_alone`: the first of each model by default.
    """
    known: set[tuple[str, ...]] = set()
    found = []
    for key in keys:
        kind = key[:1] if model_alone else key[:2]
        marks = [pytest.mark.slow] if kind in known else []
        found.append(pytest.param(key, marks=marks, id=preset_id(key)))
        known.add(kind)
    return found


def every_preset() -> list[Key]:
    """Those on data sets with values of their own: others repeat the same networks and terms.

    Of a reference and a variant that are the same there is the reference.
    """
    return [key for key in _own_values() if key == _first_alike()[_trained(key)]]


def _own_values() -> list[Key]:
    return [key for key in every_choice() if catalog.lineage(key[1]) == [key[1]]]


@cache
def _first_alike() -> dict[str, Key]:
    return {_trained(key): key for key in reversed(_own_values())}


@cache
def _trained(key: Key) -> str:
    """What a preset trains: that of a variant may be the reference's, under another name."""
    table = catalog.resolve(*key, fit=fit)
    said = {"variant", "summary", "source", "deviations", "expected"}
    trained = {name: value for name, value in table.items() if name not in said}
    return json.dumps(trained, sort_keys=True)


def preset_id(key: Key) -> str:
    return "-".join(key)


SHALLOW = [
    "data.size=16",
    "prior.levels=[2, 3]",
    "generator.network.multipliers=[1, 2, 2]",
    "discriminator.network.multipliers=[1, 2, 2]",
]
"""What makes 16 pixels of a model whose layers have coordinates."""


def narrowed_networks(preset: Preset, **widths: int) -> list[str]:
    """Overrides of each network's width, by the name of the field that says it; 4 elsewhere."""
    nets = {role: player.network for role, player in preset.players().items()}
    fields = {role: net.width_field for role, net in nets.items()}
    narrow = [f"{role}.network.{field}={widths.get(field, 4)}" for role, field in fields.items()]
    embedding = [role for role, net in nets.items() if "embedding" in type(net).model_fields]
    return narrow + [f"{role}.network.embedding=4" for role in embedding]


def smaller(preset: Preset, size: int) -> list[str]:
    """Overrides for images of so many pixels a side, and as many halvings as they take.

    The multipliers that are left begin at 1, as those they are taken from.
    """
    said = [f"data.size={size}"]
    for role, player in preset.players().items():
        before, after = (
            net.model_dump(mode="json") for net in (player.network, player.network.fitted(size))
        )
        if "multipliers" in after:
            least = min(after["multipliers"])
            after["multipliers"] = [each // least for each in after["multipliers"]]
        changed = {field: value for field, value in after.items() if value != before[field]}
        said += [f"{role}.network.{field}={json.dumps(v)}" for field, v in changed.items()]
    return said


def _shallow(preset: Preset) -> list[str]:
    """Overrides that leave no more layers than tests need, where there are many."""
    if preset.generator.network.layers_with_levels:
        return SHALLOW
    return smaller(preset, 24) if preset.data.shape.x[-1] >= 48 else []


def narrowing(preset: Preset) -> list[str]:
    """Overrides that keep what is computed and shrink how much."""
    fields = [
        *narrowed_networks(preset, width=8),
        *_shallow(preset),
        "prior.z_dim=4",
        "schedule.batch_size=8",
        "schedule.discriminator_steps=2",
        "schedule.steps=8",
        "schedule.log_every=3",
        "schedule.preview_every=4",
        "schedule.min_previews=0",
        "schedule.checkpoint_every=5",
    ]
    return fields + (["schedule.warmup.steps=3"] if preset.schedule.warmup else [])


def narrow(key: Key, overrides: Sequence[str] = ()) -> Preset:
    """A preset with what `narrowing` says, and these overrides; a preset cannot be changed."""
    return _narrow(key, tuple(overrides))


@cache
def _narrow(key: Key, overrides: tuple[str, ...]) -> Preset:
    preset = load_preset(*key)
    return change(preset, [*narrowing(preset), *overrides])


def toy_data(preset: Preset, count: int = 40) -> Dataset:
    """Data of the preset's shape, without files."""
    if isinstance(preset.data, Mixture):
        return preset.data.load(Path(), seed=0)
    source = torch.Generator().manual_seed(0)
    shape = (count, *preset.data.shape.x)
    x = torch.randint(0, 256, shape, dtype=torch.uint8, generator=source)
    classes = preset.data.shape.classes
    return Dataset(x, torch.arange(count) % classes if classes else None)


def toy_deck(
    preset: Preset, dtype: torch.dtype = torch.float32, world: World | None = None
) -> BatchSource:
    """Deals batches of eight from `toy_data`."""
    return BatchSource(
        toy_data(preset),
        preset.data,
        preset.prior,
        batch_size=8,
        seed=0,
        device=torch.device("cpu"),
        dtype=dtype,
        world=world or World(),
        classes=preset.classes,
        labelled=preset.objective.needs_labels(),
    )


def some_latent(preset: Preset, count: int, scale: float = 1.0) -> Latent:
    """Latents of the preset's prior, by torch's own generator, and labels where it has them."""
    labels = torch.arange(count) % preset.classes if preset.classes else None
    beside = preset.prior.at(range(count))
    return beside._replace(z=scale * torch.randn(count, preset.prior.z_dim), label=labels)


def real_images(folder: Path, count: int = 30) -> Path:
    """A folder of small images of noise."""
    noise = np.random.default_rng(1)
    folder.mkdir()
    for number in range(count):
        pixels = noise.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    return folder


def random_images(folder: str, count: int, seed: int, form: str = "folder") -> str:
    """Images of two by two random pixels, in a place of that name; returns the name."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 2, 2, 3), dtype=np.uint8)
    write([pixels], range(count), Path(folder), form, key="images")
    return folder


def toy_extractor(values: int) -> Extractor:
    """A few random projections of images that have so many values; no download, no time."""
    matrix = torch.randn(values, 6, generator=torch.Generator().manual_seed(0))

    def see(images: Tensor) -> Seen:
        features = (images.float().flatten(1) / 255 @ matrix).relu()
        return Seen(features, features[:, :4])

    return Extractor("inception", "0" * 64, False, "as it is", 6, torch.device("cpu"), see)


def job(
    preset: Preset, folder: Path, resume_from: Checkpoint | None = None, precision: str = "fp32"
) -> Job:
    settings = RunSettings.model_validate({"seed": 3, "precision": precision})
    run = Run(folder)
    run.write_preset(preset)
    return Job(preset, settings, toy_data(preset), run, resume_from=resume_from)


PARTIAL = ["data.points_per_mode=5", "schedule.batch_size=16", "schedule.partial_batches=true"]
"""Forty points in batches of 16, 16 and 8."""
GENERATOR_FIRST = 'turns.order=["generator", "discriminator"]'
KEPT = [GENERATOR_FIRST, "turns.discriminator.fakes=kept"]
ADAM = "{kind='adam', lr=1e-3, betas=[0.5, 0.99]}"
SUPERVISED = [
    f"objective.mutual_information.{field}=true"
    for field in ("supervised", "thickness", "double_softmax")
]
RING: Key = ("gan", "ring8", "reference")
TURNS: dict[str, tuple[Key, list[str]]] = {
    "generator first": (RING, [*PARTIAL, GENERATOR_FIRST]),
    "kept by the discriminator": (
        RING,
        [*PARTIAL, *KEPT, "turns.restart=true"],
    ),
    "kept by the generator": (RING, [*PARTIAL, "turns.generator.fakes=kept"]),
    "remade": (RING, [*PARTIAL, "turns.generator.fakes=remade"]),
    "plateau": (RING, [*PARTIAL, "optimizer.plateau={factor=0.5, patience=0, threshold=0.5}"]),
    "pairs": (("r3gan", "ring8", "reference"), PARTIAL),
    "pairs of one batch": (
        ("r3gan", "ring8", "reference"),
        [*PARTIAL, "turns.discriminator.reals=peek"],
    ),
    "anchor": (RING, [*PARTIAL, "objective.logit_anchor.weight=0.1"]),
    "equilibrium": (
        RING,
        [*PARTIAL, "objective.vanilla=", "objective.equilibrium={rate=0.1, diversity=0.9}"],
    ),
    "own optimiser": (
        ("infogan", "mnist", "reference"),
        [
            'turns.order=["generator", "discriminator", "joint"]',
            "turns.discriminator.fakes=kept",
            f"turns.joint={{fakes='remade', optimizer={ADAM}}}",
        ],
    ),
    "labels of reals": (
        ("infogan", "mnist", "reference"),
        [*SUPERVISED, "turns.discriminator.reals=peek", "schedule.discriminator_steps=1"],
    ),
    "labels of reals in the players' turns": (
        ("infogan", "mnist", "paper"),
        [*SUPERVISED, "objective.mutual_information.variance_head=true"],
    ),
    "views": (
        ("dcgan-r1", "cifar10", "lite"),
        ["objective.augmentation.cutout=0.25", "generator.network.norm=none"],
    ),
}
"""Configurations whose turns, terms or optimisers do what no preset's do."""
WHOLE: dict[str, tuple[Key, list[str]]] = {
    "relativistic average": (("ragan-hinge", "ring8", "reference"), PARTIAL),
    "features": (RING, [*PARTIAL, "objective.feature_matching.weight=1"]),
}
"""Likewise; each summand is a function of the whole batch."""


def divisible(names: Collection[str] = ()) -> dict[str, Preset]:
    """Every preset, narrowed to ten logged steps, and every configuration of turns.

    No samples are measured, nor drawn but before and after them, which takes longer than the steps
    and is one process's work.

    `names`: only these.
    """
    own: dict[str, tuple[Key, list[str]]] = {preset_id(key): (key, []) for key in every_preset()}
    keys = own | TURNS | WHOLE
    ten = ["schedule.steps=10", "schedule.log_every=1", "schedule.preview_every=10"]
    return {
        name: narrow(key, [*fields, *ten, "schedule.health_every=0"])
        for name, (key, fields) in keys.items()
        if not names or name in names
    }


class NoDraws:
    """For terms that draw nothing."""

    black_and_white = -1.0, 1.0

    def real(self) -> Sample:
        raise NotImplementedError

    def latent(self) -> Latent:
        raise NotImplementedError

    def fake(self, generator: GeneratorNet) -> Sample:
        raise NotImplementedError

    def uniform(self, purpose: str, rows: int | None, *shape: int) -> Tensor:
        raise NotImplementedError

    def normal(self, purpose: str, like: Tensor) -> Tensor:
        raise NotImplementedError


def shown(term: Term, side: Side, scene: Scene) -> Context:
    """What a term sees of a scene."""
    return Context(scene, "term", side, term.reads(side))


def losses_of(
    turn: Turn, players: Players, draws: Draws, count: int = 0, memory: Memory | None = None
) -> Losses:
    """A turn's weighted summands, after so many turns of its name; nobody steps.

    `memory`: the terms' states, and what turns of one step hand on.
    """
    due, memory = turn.due(count), memory or Memory()
    scene = make_scene(turn, due, players, draws, memory.carried)
    scene.states = memory.states
    return turn.losses(scene, due)


BRITTLE = """
from typing import Literal

import torch

from gancli import parts, register


@register.term("brittle")
class Brittle(parts.Term):
    kind: Literal["brittle"] = "brittle"

    def discriminator(self, context):
        drawn = context.draws.uniform("brittle", None).squeeze()
        return torch.where(drawn < 0.08, torch.inf, 0.0)
"""
"""A plugin: a term that is infinite in a few turns by chance, as the draws alone decide."""


def evaluation(step: int, extractor: str, *, published: bool = True, **scores: float) -> Evaluation:
    """Scores of a checkpoint by one extractor."""
    protocol = Protocol(
        count=10_000, reference="nothing", split="all", reference_count=0, data="",
        extractor=extractor, weights="w", published=published, resize="r",
        network="weights as trained", seeds="0-9999",
    )  # fmt: skip
    return Evaluation(
        model="sngan", dataset="cifar10", variant="reference", step=step, selection="last",
        protocol=protocol, scores=scores,
    )  # fmt: skip
