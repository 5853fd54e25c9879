"""Trains the generators of the zoo, packs them, and writes their cards and docs/zoo.md.

`make zoo` runs it; ONLY and OUT may be set. presets/zoo/recipes.toml says how each is trained. A
run that is there already is gone on with, so that an interrupted call loses nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

import gancli
from gancli.checkpoint import Checkpoint, load, save
from gancli.data import Mixture
from gancli.errors import RunError
from gancli.pasteable import command
from gancli.report.zoo_table import card_lines
from gancli.runs.folder import Run
from gancli.sampler import Sampler, Samples
from gancli.score_words import shown_number
from gancli.scores import score_named
from gancli.sharing.push import public_header
from gancli.zoo.entries import (
    CARD_ENDING,
    GENERATOR_ENDING,
    ZOO_PREFIX,
    ZooCard,
    ZooScore,
    zoo_card,
    zoo_file,
    zoo_folder,
    zoo_names,
)

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "zoo.md"
DATA = "data/"
"""Beginning of a path in a recipe: the folder that GANCLI_DATA names."""
STORED = torch.float16
"""Its mantissa has three bits more than bfloat16's, and weights of GANs need no larger range."""
COMPARED = 256
"""Samples that must be those of the weights before they were rounded."""
GREY_LEVELS = 1
"""By which an image may differ from that of the weights before they were rounded."""
POINT_PART = 0.002
"""By which a point may, as a part of the samples' reach from 0."""
MOST_BYTES, MOST_BYTES_OF_ALL = 3_000_000, 12 * 2**20
"""Of a file, and of all of them in the wheel, which packs them."""
SHEET, SHEET_SAMPLES = "webp", 36
ENTRY = """## {name}

{about}.

![{about}](zoo/{name}.{sheet})

| | |
|---|---|
{rows}
"""
PAGE_HEAD = """# The zoo

Small generators that come with gancli, to sample, traverse, evaluate and export: no download, no
training.

```sh
gan zoo                                             # what there is
gan zoo cgan-mnist                                  # one's card
gan sample zoo:cgan-mnist --per-class 10 --grid     # its samples
gan traverse zoo:infogan-mnist                      # what its codes do
```

A file holds the generator alone, so its training cannot be gone on with. `make zoo` makes all of
them from seeds; `presets/zoo/recipes.toml` says how. They are narrow networks, trained briefly, to
try commands on and to teach with; none of them is a reproduction.
"""
SCORED = 4_000
"""Samples that scores are of."""
SHOWN = ("modes_held", "high_quality", "precision", "recall")
"""Scores on a card, where there are any."""


class Recipe(TypedDict):
    """How a generator is made."""

    about: str
    """what it makes"""
    licence: str
    """of the data"""
    train: list[str]
    """options of `gan train`"""


def recipes() -> dict[str, Recipe]:
    """All of them, by name."""
    found: dict[str, Recipe] = tomllib.loads((zoo_folder() / "recipes.toml").read_text())
    return found


def pack(saved: Checkpoint, file: Path) -> float:
    """Write a checkpoint's generator alone, of half the bytes; its average where there is one.

    Args:
        saved: the checkpoint.
        file: what to write.

    Returns:
        The largest difference of a sample: of images in grey levels, of points in data units.

    Raises:
        RunError: rounding changes samples by more than it may, or the file is too large.
    """
    own = {name: _rounded(value) for name, value in saved.generator_tensors().items()}
    save(file, public_header(saved).model_copy(update={"metrics": {}}), own)
    before, after = _samples(saved), _samples(load(file))
    found = float(np.abs(before.astype(np.float64) - after.astype(np.float64)).max())
    most = GREY_LEVELS if before.dtype == np.uint8 else POINT_PART * float(np.abs(before).max())
    if found > most:
        raise RunError(f"half precision changes samples of {saved.path} by {found:g}")
    if file.stat().st_size > MOST_BYTES:
        raise RunError(f"{file} has {file.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
    return found


def _rounded(value: Tensor) -> Tensor:
    return value.to(STORED) if value.is_floating_point() else value


def _samples(saved: Checkpoint) -> Samples:
    return Sampler(saved.generator(), saved.header.preset).all(range(COMPARED))


def train(name: str, options: Sequence[str], out: Path) -> Checkpoint:
    """Train a generator, or go on with it; returns its last checkpoint."""
    folder = out / name
    typed = ["train", *options, "--seed", "0", "--out", str(folder)]
    if Run(folder).exists():
        typed = ["resume", str(folder)]
    subprocess.run([sys.executable, "-m", "gancli", *typed], check=True)
    return load(Run(folder).checkpoint())


def own_images(options: Sequence[str]) -> Path | None:
    """The folder of images that a recipe names; None: a named data set."""
    named = options[options.index("--dataset") + 1]
    return Path(os.environ["GANCLI_DATA"]) / named.removeprefix(DATA) if DATA in named else None


def card(name: str, recipe: Recipe, saved: Checkpoint, change: float) -> ZooCard:
    """What there is to say of a generator that was trained and packed."""
    preset, run = saved.header.preset, Run(saved.path.parent.parent)
    unit = " in data units" if isinstance(preset.data, Mixture) else " of 255 grey levels"
    typed = [each.removeprefix(DATA) for each in recipe["train"]]
    return ZooCard(
        model=preset.name,
        variant=preset.variant or "",
        dataset=preset.dataset,
        about=recipe["about"],
        licence=recipe["licence"],
        weights=f"{saved.network(raw=False)}, stored as float16",
        rounding=f"samples differ by at most {change:.2g}{unit} from those of float32",
        parameters=sum(value.numel() for value in saved.generator().parameters()),
        steps=saved.header.step,
        seconds=round(sum(seconds_of(run))),
        command=command("train", *typed, "--seed", "0"),
        scores=tuple(_scores(name, own_images(recipe["train"]))),
        versions=saved.header.versions,
    )


def seconds_of(run: Run) -> Iterator[float]:
    """Of its steps, as its log says."""
    for line in run.timing_file.read_text().splitlines():
        yield json.loads(line)["seconds"]


def _scores(name: str, reference: Path | None) -> Iterator[ZooScore]:
    """Of the generator as it was packed, by what needs no published network."""
    model = gancli.load(f"{ZOO_PREFIX}{name}")
    if isinstance(model.preset.data, Mixture):
        extractor, found, seen = None, model.evaluate(count=SCORED), ""
    else:
        # Digits are read by a classifier; of other images, pixels need no network.
        how = {"modes": None} if model.preset.dataset == "mnist" else {"prc": "pixels"}
        ((metric, extractor),) = how.items()
        with tempfile.TemporaryDirectory() as folder:
            real = "train" if reference is None else packed(reference, model, Path(folder))
            found = model.evaluate([metric], count=SCORED, reference=real, extractor=extractor)
        seen = f", against {found.evaluations[0].protocol.reference_count:,} real images"
    for key in SHOWN:
        if key in found:
            yield ZooScore(
                label=_label(key, extractor),
                value=shown_number(key, found[key]),
                protocol=f"{SCORED:,} samples{seen}",
            )


def _label(score: str, extractor: str | None) -> str:
    plain = score_named(score).label.strip()
    return f"{plain} [{extractor}]" if extractor else plain


def packed(images: Path, model: gancli.Model, folder: Path) -> Path:
    """Images at the size of a model's."""
    file = folder / "reals.zip"
    size = str(model.preset.data.shape.x[-1])
    sheet = str(folder / "sheet.png")
    typed = ["data", str(images), "--image-size", size, "--pack", str(file), "--out", sheet]
    subprocess.run([sys.executable, "-m", "gancli", *typed], check=True)
    return file


def make(name: str, out: Path) -> None:
    """Train, pack and describe a generator."""
    recipe = recipes()[name]
    place = own_images(recipe["train"])
    options = [str(place) if each.startswith(DATA) else each for each in recipe["train"]]
    saved = train(name, options, out)
    file = zoo_folder() / f"{name}{GENERATOR_ENDING}"
    change = pack(saved, file)
    said = card(name, recipe, saved, change).model_dump_json(indent=1)
    file.with_suffix(CARD_ENDING).write_text(said + "\n")
    if bytes_in_the_wheel() > MOST_BYTES_OF_ALL:
        raise RunError(f"the zoo has more than {MOST_BYTES_OF_ALL:,} bytes: make networks narrower")


def bytes_in_the_wheel() -> int:
    """Of all generators, as a wheel packs them."""
    return sum(len(zlib.compress(zoo_file(each).read_bytes())) for each in zoo_names())


def page() -> str:
    """docs/zoo.md: every card, with a sheet of samples."""
    parts = [PAGE_HEAD]
    for name in zoo_names():
        said = zoo_card(name)
        rows = "\n".join(f"| {head} | {text} |" for head, text in card_lines(said))
        parts.append(ENTRY.format(name=name, about=said.about, sheet=SHEET, rows=rows))
    return "\n".join(parts)


def draw(name: str) -> None:
    """Write a sheet of samples next to the page."""
    sheet = PAGE.with_suffix("") / f"{name}.{SHEET}"
    sheet.parent.mkdir(exist_ok=True)
    model = gancli.load(f"{ZOO_PREFIX}{name}")
    picture = model.picture(None if isinstance(model.preset.data, Mixture) else SHEET_SAMPLES)
    picture.convert("RGB").save(sheet, quality=80)


def main() -> None:
    """Make those that are named, or all, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=sorted(recipes()))
    parser.add_argument("--out", type=Path, default=Path("runs/zoo"))
    typed = parser.parse_args()
    for name in typed.only:
        make(name, typed.out)
        draw(name)
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
