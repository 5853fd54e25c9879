"""A trained generator, sampled, varied and shown."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Unpack

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gancli.defaults import SAMPLE_BATCH_SIZE, SAMPLE_COUNT, TRAVERSE_FRAMES, TRAVERSE_ROWS
from gancli.errors import UsageError
from gancli.evaluation.points import POINTS_SCORED, scores_of_points
from gancli.folders import expanded
from gancli.library.arguments import label_number, seed_list
from gancli.library.evaluate import EvaluationOptions, scores_of_images
from gancli.library.in_python import in_python
from gancli.library.loaded import LoadedCheckpoint
from gancli.library.notebook import model_card
from gancli.library.scores import Scores
from gancli.library.traversal import Traversed, traverse_model
from gancli.pictures import grid, to_image
from gancli.point_pictures import SHOWN_REALS, picture_of_points, reach_of
from gancli.sampler import Sampler, Samples
from gancli.types import Latent

SHOWN = 16
"""Samples in a notebook's picture of a model of images."""
SHOWN_POINTS = 1000


class Model(LoadedCheckpoint):
    """A trained generator and all that is known of it.

    Samples of images are uint8 tensors of (B, C, H, W), 0 to 255, equal to the PNGs that
    `gan sample` writes for the same seeds; samples of points are float32 tensors of (B, D), in the
    units of the data. Both are on the CPU.
    """

    def _repr_html_(self) -> str:
        known = None if self._run is None else self._run.best()
        return model_card(self.header, self.weights, known, self.picture())

    @in_python
    def latent(
        self,
        seeds: Iterable[int],
        *,
        label: int | str | None = None,
        truncation: float | None = None,
    ) -> Latent:
        """The latents behind the samples of these seeds, on the CPU.

        Args:
            seeds: one for each sample, 0 to 2^48 - 1.
            label: the class, by number or name; None: the classes take turns from seed to seed.
            truncation: no number of the noise is further from 0, in standard deviations (Brock et
                al. 2019, section 3.1); None: the preset's own.

        Returns:
            a tuple of tensors: `z` of (B, Z), and, where the model has them, `label`, `category` of
            (B,), `code` of (B, C) and `levels` of (B, L, K). `._replace(code=...)` changes one.

        Raises:
            UsageError: a seed is out of range, or the model does not know the class.
        """
        return self._sampler(SAMPLE_BATCH_SIZE, truncation).latent(
            seed_list(seeds), label_number(self.preset, label)
        )

    @in_python
    def sample(
        self,
        count: int | None = None,
        *,
        seeds: Iterable[int] | None = None,
        label: int | str | None = None,
        truncation: float | None = None,
        latent: Latent | None = None,
        batch_size: int = SAMPLE_BATCH_SIZE,
    ) -> Tensor:
        """Generate samples; each depends on the checkpoint and its seed alone.

        Args:
            count: how many: those of seeds 0 to count - 1. Default: 64.
            seeds: which, instead of how many.
            label: the class of all of them, by number or name; None: the classes take turns.
            truncation: no number of the noise is further from 0, in standard deviations; None:
                the preset's own.
            latent: what to make samples from, instead of seeds.
            batch_size: samples generated together.

        Returns:
            images: uint8 of (B, C, H, W); points: float32 of (B, D) in data units.

        Raises:
            UsageError: arguments exclude each other, or the model does not know the class.
            NonFiniteError: a sample is infinite or not a number.
        """
        return self._tensor(
            self._samples(
                count,
                seeds=seeds,
                label=label,
                truncation=truncation,
                latent=latent,
                batch_size=batch_size,
            )
        )

    @in_python
    def images(
        self,
        count: int | None = None,
        *,
        seeds: Iterable[int] | None = None,
        label: int | str | None = None,
        truncation: float | None = None,
        latent: Latent | None = None,
        batch_size: int = SAMPLE_BATCH_SIZE,
    ) -> list[Image.Image]:
        """Generate images for Pillow; arguments and errors as for `sample`.

        Raises:
            UsageError: the model makes points.
        """
        self._refuse_points("images")
        made = self._samples(
            count,
            seeds=seeds,
            label=label,
            truncation=truncation,
            latent=latent,
            batch_size=batch_size,
        )
        return [to_image(each) for each in made]

    @in_python
    def interpolate(
        self,
        first: int,
        second: int,
        frames: int = TRAVERSE_FRAMES,
        *,
        label: int | str | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """The way from one seed's sample to another's.

        Latents move along the great circle between them (slerp: White 2016, Sampling Generative
        Networks, arXiv:1609.04468, section 2.1) in the space of their normal scores, so that every
        frame is as likely as its ends, whatever the prior. Class and category stay the first's.

        Args:
            first: the seed at the beginning.
            second: the seed at the end.
            frames: how many samples, both ends among them; at least 2.
            label: the class, as for `sample`.
            truncation: as for `sample`.

        Returns:
            as `sample`, one for each frame; the first is the first seed's own sample.
        """
        if frames < 2:
            raise UsageError(f"frames={frames} has no room for both ends: choose 2 or more")
        sampler, number = (
            self._sampler(SAMPLE_BATCH_SIZE, truncation),
            label_number(self.preset, label),
        )
        start, end = (sampler.latent(seed_list([seed]), number) for seed in (first, second))
        shares = np.linspace(0, 1, frames).tolist()
        way = [self.preset.prior.between(start, end, share, truncation) for share in shares]
        return self._tensor(_all(sampler, Latent.joined(way)))

    @in_python
    def picture(self, count: int | None = None, *, columns: int | None = None) -> Image.Image:
        """Samples in one picture: a grid of images, or points over real ones.

        Args:
            count: how many samples. Default: 16 images, or 1,000 points.
            columns: of the grid; None: as many as rows.
        """
        spec = self.preset.data
        if spec.key == "images":
            return grid(self._samples(count or SHOWN), columns)
        points = self._samples(count or SHOWN_POINTS)
        folder = Path(expanded(self.header.data_folder or ""))
        reals = spec.to_samples(spec.load(folder, self.header.settings.seed).x)
        title = f"{self.preset.name}, step {self.step:,}, {len(points)} samples"
        return picture_of_points(points, reals[:SHOWN_REALS], reach_of(spec, reals), title)

    @in_python
    def traverse(
        self,
        axes: Sequence[str] | None = None,
        *,
        frames: int = TRAVERSE_FRAMES,
        rows: int = TRAVERSE_ROWS,
        seed: int = 0,
        span: tuple[float, float] | None = None,
        truncation: float | None = None,
    ) -> Traversed:
        """Vary one thing at a time, and rank what that does, as `gan traverse` does.

        Args:
            axes: which: `category`, `code0`, ..., `L0D0`, ..., `label`, `label-blend`, `seed`;
                None: all that the model has. `NAME=VALUE`, e.g. `category=3`, holds an axis
                while others vary.
            frames: values of each axis, 2 to 101.
            rows: samples that are varied, 1 to 20: those of seeds `seed`, `seed` + 1, ...
            seed: the first row's.
            span: the least and the largest value of codes and coordinates; None: -3 and 3, and -1
                and 1 for uniform codes.
            truncation: as for `sample`.

        Raises:
            UsageError: the model makes points, or has no such axis.
        """
        self._refuse_points("traverse")
        seeds = seed_list(range(seed, seed + rows))
        return traverse_model(self._sampler(64, truncation), axes, seeds, frames, span)

    @in_python
    def evaluate(self, metrics: Sequence[str] = (), **options: Unpack[EvaluationOptions]) -> Scores:
        """Score what the model makes.

        Images are compared with real ones, as `gancli.evaluate` says. Points of a mixture are
        counted by mode: `modes_held`, `modes_captured`, `high_quality`, `reverse_kl`,
        `jensen_shannon` and `std_ratio`, of which `scores_of_points` says more.

        Args:
            metrics: of images, as for `gancli.evaluate`; of points, `"modes"` or none.
            options: `count` and, of images, what else `EvaluationOptions` names.

        Returns:
            scores by name.

        Raises:
            UsageError: a metric does not apply, or the data of points have no known modes.
            GanError: whatever `gancli.evaluate` raises.
        """
        if self.preset.data.key == "images":
            device = self.device.type
            return scores_of_images(
                self._saved, metrics, raw=self._raw, device=device, options=options
            )
        others = [name for name in metrics if name != "modes"]
        unfit = [*others, *(name for name in options if name != "count")]
        if unfit:
            raise UsageError(f"{unfit[0]} is for images, and {self.preset.name} makes points")
        count = options.get("count") or POINTS_SCORED
        return Scores(scores_of_points(self._sampler(SAMPLE_BATCH_SIZE, None), count))

    def _refuse_points(self, wanted: str) -> None:
        if self.preset.data.key != "images":
            raise UsageError(
                f"{self.preset.name} on {self.preset.dataset} makes points, which have no "
                f"{wanted}(): use sample() or picture()"
            )

    def _samples(
        self,
        count: int | None,
        *,
        seeds: Iterable[int] | None = None,
        label: int | str | None = None,
        truncation: float | None = None,
        latent: Latent | None = None,
        batch_size: int = SAMPLE_BATCH_SIZE,
    ) -> Samples:
        named = {"count": count, "seeds": seeds, "latent": latent}
        given = [name for name, value in named.items() if value is not None]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other: pass one of them")
        sampler, number = self._sampler(batch_size, truncation), label_number(self.preset, label)
        if latent is not None:
            return _all(sampler, latent)
        chosen = range(SAMPLE_COUNT if count is None else count) if seeds is None else seeds
        return sampler.all(seed_list(chosen), number)

    def _sampler(self, batch_size: int, truncation: float | None) -> Sampler:
        return Sampler(self.generator, self.preset, batch_size, truncation)

    def _tensor(self, made: Samples) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(made))
        return tensor.permute(0, 3, 1, 2).contiguous() if tensor.ndim == 4 else tensor


def _all(sampler: Sampler, latent: Latent) -> Samples:
    """The samples of these latents, batch after batch."""
    size = sampler.batch_size
    starts = range(0, len(latent.z), size)
    parts = [latent.each(lambda part, at=at: part[at : at + size]) for at in starts]  # type: ignore[misc]
    return np.concatenate([sampler.of(part) for part in parts])
