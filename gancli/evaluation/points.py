"""How points spread over the modes of a mixture: `gan evaluate RUN --modes` of a run on one."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gancli.checkpoint import Checkpoint
from gancli.data import Mixture
from gancli.errors import UsageError
from gancli.evaluation.extractors import HASH_SHOWN
from gancli.evaluation.inputs import holds_images
from gancli.evaluation.metrics.modes import scores_of_modes
from gancli.evaluation.mode_coverage import assign_points, std_ratio
from gancli.evaluation.protocol import Evaluation, Protocol
from gancli.evaluation.request import EvaluationRequest
from gancli.preset import Preset
from gancli.runs.find import find, open_checkpoint
from gancli.runs.folder import Run
from gancli.sampler import Sampler

POINTS_SCORED = 2500
"""Number of points that VEEGAN's counts are taken on."""
ONLY_MODES = EvaluationRequest(("modes",))
OF_POINTS = frozenset({"metrics", "count", "raw", "batch_size"})
"""Fields of a request that concern points, too."""


def points_to_score(
    name: str | None, checkpoint: str, request: EvaluationRequest
) -> tuple[Run | None, Checkpoint, str] | None:
    """The run, the checkpoint and how it was chosen, where points are scored by their modes alone.

    Args:
        name: a run, a checkpoint file, or images; None: the latest run.
        checkpoint: which of a run.
        request: the metrics and their options.

    Raises:
        UsageError: an option is of images.
    """
    is_mixed = request.metrics != ONLY_MODES.metrics or request.everything
    if "modes" not in request.metrics or (name is None and is_mixed):
        return None
    if name is not None and holds_images(Path(name)):
        return None
    found = find(name)
    saved = open_checkpoint(found, checkpoint)
    preset = saved.header.preset
    if preset.data.shape.is_image:
        return None
    others = [f"--{metric}" for metric in request.metrics if metric not in ONLY_MODES.metrics]
    options = [option for name, option in request.typed().items() if name not in OF_POINTS]
    unfit = [*options, *others]
    if unfit:
        raise UsageError(
            f"{unfit[0]} is for images, and {preset.name} on {preset.dataset} makes points: leave "
            "it out"
        )
    if isinstance(found, Run):
        return found, saved, found.selection(checkpoint)
    return None, saved, "by its step"


def evaluation_of_points(
    saved: Checkpoint, selection: str, request: EvaluationRequest, device: torch.device
) -> Evaluation:
    """The modes that a checkpoint's points hold, with the protocol.

    Args:
        saved: of a run on a mixture.
        selection: how the checkpoint was chosen, in words.
        request: how many points, and whether from the weights as trained.
        device: where to generate them.

    Raises:
        UsageError: the data are not a mixture, so their modes are unknown.
    """
    preset, count = saved.header.preset, request.count or POINTS_SCORED
    mixture = _mixture(preset)
    sampler = Sampler(saved.generator(raw=request.raw).to(device), preset, request.batch_size)
    scores = scores_of_points(sampler, count)
    protocol = Protocol(
        count=count,
        reference=preset.dataset,
        split="all",
        reference_count=0,
        data=mixture.fingerprint_of_modes[:HASH_SHOWN],
        extractor="",
        weights="",
        published=False,
        resize="",
        network=saved.network(raw=request.raw),
        seeds=f"0-{count - 1}",
        truncation=preset.prior.truncation,
    )
    return Evaluation(
        model=preset.name,
        dataset=preset.dataset,
        variant=preset.variant,
        step=saved.header.step,
        selection=selection,
        images=saved.sha256[:HASH_SHOWN],
        protocol=protocol,
        scores=scores,
    )


def evaluation_of_real_points(preset: Preset, protocol: Protocol) -> Evaluation:
    """What as many points of the mixture itself score, of which no run has seen any.

    Args:
        preset: of a run on the mixture.
        protocol: by which the run's points are scored.

    Raises:
        UsageError: the data are not a mixture.
    """
    mixture, count = _mixture(preset), protocol.count
    return Evaluation(
        model="real data",
        dataset=preset.dataset,
        variant="",
        step=None,
        selection=f"{count:,} new points",
        protocol=protocol.of_real(count),
        scores=_scores(mixture.new_points(count), mixture),
    )


def scores_of_points(sampler: Sampler, count: int) -> dict[str, float]:
    """How points spread over the modes of a mixture.

    `modes_held`, `modes_captured` and `high_quality` as training's previews count them (Srivastava
    et al. 2017, VEEGAN, section 4.1); `reverse_kl` and `jensen_shannon` between the points' modes
    and the data's, in nats (Lin et al. 2018, PacGAN, section 4); `std_ratio`: how wide the modes
    are, in units of the data's. A score that cannot be computed, because no point is near a mode,
    is left out.

    Args:
        sampler: makes the points.
        count: how many, of seeds 0 to count - 1.

    Raises:
        UsageError: the data are not a mixture, so their modes are unknown.
    """
    mixture = _mixture(sampler.preset)
    return _scores(sampler.all(range(count)).astype(np.float64), mixture)


def _mixture(preset: Preset) -> Mixture:
    if not isinstance(preset.data, Mixture):
        raise UsageError(
            f"{preset.dataset} is not a mixture, so it has no modes to count: compare "
            "sample() with the data"
        )
    return preset.data


def _scores(points: NDArray[np.float64], mixture: Mixture) -> dict[str, float]:
    assigned = assign_points(points, mixture.centres(), mixture.std)
    width = std_ratio(points, assigned, mixture.std)
    return scores_of_modes(assigned) | ({} if width is None else {"std_ratio": width})
