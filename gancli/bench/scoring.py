"""Compares scoring with the bare extractor and torch-fidelity's distance; measures its memory.

Run as a module it measures the memory, in a process of its own.
"""

import copy
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from gancli.bench.measure import alternate
from gancli.bench.memory import forget_peak, peak
from gancli.data import Dataset
from gancli.errors import RunError
from gancli.evaluation.evaluate import look_at_reals, score_images
from gancli.evaluation.extractors import Extractor, Seen
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import FeatureNeeds, extract_features
from gancli.evaluation.folded import computed
from gancli.evaluation.frechet import Moments, frechet_distance
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.metrics import METRICS
from gancli.evaluation.pretrained import INCEPTION, PRETRAINED
from gancli.evaluation.reference_cache import reference_features
from gancli.evaluation.spec import EvaluationSpec, RealImages
from gancli.watch import Done

INCEPTION_WIDTH = PRETRAINED[INCEPTION].width
INCEPTION_CLASSES = 1008
SCORED_BATCH_SIZE = 64
SCORED_SIDE = 32
FEATURES_PER_GAUSSIAN = 4096
"""Features behind the Gaussians whose distance is timed."""
INTRA_CLASSES = 10
MEASUREMENTS = 4
SCORED_ON = torch.device("cpu")


@dataclass(frozen=True)
class ScoreSizes:
    """How much is measured."""

    count: int
    """images in the comparison of all metrics with FID alone"""
    pieces: int
    """images that the extractor sees together"""
    memory_count: int
    """made-up features of the memory's measurement"""
    rounds: int
    """how often the extractor and the distances are timed"""


class ScoreTiming(BaseModel):
    """The result of one call of `gan bench evaluate`."""

    images_per_s: float
    """through Inception, as it scores"""
    bare_images_per_s: float
    """through a bare loop of the same network as torch-fidelity computes it"""
    throughput: float
    """the first in units of the second, the median of the rounds' ratios"""
    count: int
    fid_s: float
    """of `count` images against the same number of real ones, whose statistics are known"""
    all_s: float
    """the same with every metric that takes no labels, and no more images"""
    metrics: list[str]
    """those"""
    all_to_fid: float
    distance_s: float
    """of two Gaussians of 2,048 features, one of whose roots is known"""
    fidelity_distance_s: float
    """torch-fidelity's"""
    distance_to_fidelity: float
    intra_to_fidelity: float
    """ten such distances in units of torch-fidelity's one"""
    memory_count: int
    memory_gib: float
    """all metrics' peak beyond torch itself, of `memory_count` made-up features on either side"""


def blank_inception(layers: tuple[str, ...] = PRETRAINED[INCEPTION].layers) -> nn.Module:
    """torch-fidelity's Inception with weights drawn from a fixed seed, which need no download."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Blank(FeatureExtractorInceptionV3):  # type: ignore[misc]
        """Keeps what it is initialised with."""

        def load_state_dict(self, *_: object, **__: object) -> None:
            """Load nothing."""

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net: nn.Module = Blank("blank", list(layers), nothing)
    return net.eval()


def time_scoring(sizes: ScoreSizes, done: Done) -> ScoreTiming:
    """Take the four measurements, one after the other; `done` is told how many are over."""
    net = blank_inception()
    with tempfile.TemporaryDirectory() as folder:
        images, bare, throughput = _extraction(net, sizes, Path(folder))
        done(1)
        distances = _distances(sizes.rounds)
        done(2)
        scoring = _scoring(net, sizes.count, Path(folder))
        done(3)
    memory = _peak_elsewhere(sizes.memory_count)
    done(4)
    ours, theirs, ratio = distances
    return ScoreTiming(
        images_per_s=images,
        bare_images_per_s=bare,
        throughput=throughput,
        count=sizes.count,
        fid_s=scoring[0],
        all_s=scoring[1],
        metrics=_metrics(sizes.count),
        all_to_fid=scoring[1] / scoring[0],
        distance_s=ours,
        fidelity_distance_s=theirs,
        distance_to_fidelity=ratio,
        intra_to_fidelity=INTRA_CLASSES * ratio,
        memory_count=sizes.memory_count,
        memory_gib=memory / 2**30,
    )


def _extractor(net: nn.Module) -> Extractor:
    """The network as an evaluation computes it, which leaves `net` as it is."""
    folded, _ = computed(copy.deepcopy(net), "folded", SCORED_ON)

    def see(images: Tensor) -> Seen:
        features, logits = folded(images)
        return Seen(features, logits)

    return Extractor(INCEPTION, "blank", False, "", INCEPTION_WIDTH, SCORED_ON, see)


def _made_up(count: int, seed: int) -> DatasetImages:
    source = torch.Generator().manual_seed(seed)
    shape = (count, 3, SCORED_SIDE, SCORED_SIDE)
    return DatasetImages(Dataset(torch.randint(0, 256, shape, dtype=torch.uint8, generator=source)))


def _extraction(net: nn.Module, sizes: ScoreSizes, folder: Path) -> tuple[float, float, float]:
    images, extractor = _made_up(sizes.pieces, 0), _extractor(net)
    needs = FeatureNeeds(features=True, logits=True)

    def bare() -> None:
        with torch.no_grad():
            for pixels, _ in images.batches(SCORED_BATCH_SIZE):
                net(pixels)

    loops = {
        "ours": lambda: extract_features(
            images, extractor, needs, FeatureStore(folder), batch_size=SCORED_BATCH_SIZE
        ),
        "bare": bare,
    }
    timed = alternate(loops, rounds=sizes.rounds, seconds=0.0, device=SCORED_ON, warm_up=1)
    return (
        sizes.pieces / timed["ours"].median,
        sizes.pieces / timed["bare"].median,
        timed["bare"].ratio(timed["ours"]),
    )


def _distances(rounds: int) -> tuple[float, float, float]:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    features = [_features(FEATURES_PER_GAUSSIAN, seed) for seed in (0, 1)]
    ours = []
    for each in features:
        moments = Moments(INCEPTION_WIDTH)
        moments.add(each)
        ours.append(moments.gaussian())
    reference, other = ours
    reference.root.sum()
    theirs = [fid_features_to_statistics(each) for each in features]
    loops: dict[str, Callable[[], object]] = {
        "ours": lambda: frechet_distance(reference, other),
        "theirs": lambda: fid_statistics_to_metric(*theirs, verbose=False),
    }
    timed = alternate(loops, rounds=rounds, seconds=0.0, device=SCORED_ON, warm_up=1)
    return timed["ours"].median, timed["theirs"].median, timed["ours"].ratio(timed["theirs"])


def _features(count: int, seed: int) -> Tensor:
    """Correlated and positive, as Inception's are."""
    source = torch.Generator().manual_seed(seed)
    mix = torch.randn(INCEPTION_WIDTH, INCEPTION_WIDTH, generator=torch.Generator().manual_seed(9))
    made: Tensor = (
        torch.randn(count, INCEPTION_WIDTH, generator=source) @ mix / INCEPTION_WIDTH**0.5
    ).relu_()
    return made


def _metrics(count: int) -> list[str]:
    """The metrics that take no labels, no training images, and no more images than these."""
    return [
        name
        for name, kind in METRICS.items()
        if kind.entry.is_option
        and not kind.goes_by_class
        and kind.training_needs is None
        and kind().least() <= count
    ]


def _scoring(net: nn.Module, count: int, folder: Path) -> tuple[float, float]:
    """Seconds of FID alone and of all metrics, the reference's statistics being known."""
    fakes, real = _made_up(count, 1), RealImages(_made_up(count, 2), "made up", "all")
    extractor = _extractor(net)
    everything = EvaluationSpec(_metrics(count), extractor)
    needs = everything.reference_needs() or FeatureNeeds()
    reference_features(
        real.images, extractor, needs, FeatureStore(folder), batch_size=SCORED_BATCH_SIZE
    )
    loops = {
        "fid": lambda: _evaluate(fakes, real, EvaluationSpec(["fid"], extractor), folder),
        "all": lambda: _evaluate(fakes, real, everything, folder),
    }
    timed = alternate(loops, rounds=1, seconds=0.0, device=SCORED_ON, warm_up=0)
    return timed["fid"].median, timed["all"].median


def _evaluate(images: DatasetImages, real: RealImages, spec: EvaluationSpec, folder: Path) -> None:
    store = FeatureStore(folder)
    stats = look_at_reals([real], spec, store, batch_size=SCORED_BATCH_SIZE)
    score_images(images, stats, spec, store, batch_size=SCORED_BATCH_SIZE)


def _peak_elsewhere(count: int) -> int:
    result = subprocess.run(
        [sys.executable, "-m", "gancli.bench.scoring", str(count), str(torch.get_num_threads())],
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        check=False,
    )
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"the process that measures the memory of all metrics failed: {last}")
    return int(result.stdout)


def peak_of_all(count: int) -> int:
    """Bytes that all metrics of `count` made-up features take at their peak, in this process."""
    features = _features(SCORED_BATCH_SIZE, 0)

    def see(images: Tensor) -> Seen:
        # Shifted by what the images show, so that no two batches are alike.
        shift = images.float().mean((1, 2, 3))[:, None] / 255
        made = features[: len(images)] + shift * features[: len(images)].flip(0)
        return Seen(made, made[:, :INCEPTION_CLASSES])

    small = (count, 1, 2, 2)
    fakes, reals = (
        DatasetImages(Dataset(torch.randint(0, 256, small, dtype=torch.uint8))) for _ in range(2)
    )
    extractor = Extractor("made up", "0", False, "", INCEPTION_WIDTH, SCORED_ON, see)
    with tempfile.TemporaryDirectory() as folder:
        before = forget_peak(SCORED_ON)
        real = RealImages(reals, "made up", "all")
        _evaluate(fakes, real, EvaluationSpec(_metrics(count), extractor), Path(folder))
        return peak(SCORED_ON) - before


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[2]))
    write: Callable[[str], int] = sys.stdout.write
    write(str(peak_of_all(int(sys.argv[1]))))
