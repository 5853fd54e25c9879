"""Equality with torch-fidelity from end to end: the same images, the same weight file."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from helpers import job, narrow
from inception import calibrated_inception
from torch import Tensor, nn

from gancli.checkpoint import load
from gancli.data import Dataset, TorchvisionImages
from gancli.data.survey import survey
from gancli.evaluation.evaluate import look_at_reals, score_images
from gancli.evaluation.extractors import Extractor, load_extractor
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.image_sets import DatasetImages, GeneratedImages, ImageSet
from gancli.evaluation.metrics.kid import kernel_distance
from gancli.evaluation.spec import EvaluationSpec, RealImages
from gancli.trainer import Trainer
from gancli.writer import write

CPU = torch.device("cpu")
COUNT = 120
CALLED = {
    "fid": "frechet_inception_distance",
    "inception_score": "inception_score_mean",
    "precision": "precision",
    "recall": "recall",
}


class Plain(torch.utils.data.Dataset[Tensor]):
    """Images as torch-fidelity takes them."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Tensor:
        return self.x[index]


class InOrder(nn.Module):
    """A generator that torch-fidelity asks: it makes our images, one seed after the other."""

    def __init__(self, images: GeneratedImages) -> None:
        super().__init__()
        self.images, self.next = images, 0

    def forward(self, z: Tensor) -> Tensor:
        self.next += len(z)
        return self.images.at(range(self.next - len(z), self.next))


def theirs(fake: object, real: Tensor, weights: Path) -> Mapping[str, float]:
    from torch_fidelity import calculate_metrics

    found: Mapping[str, float] = calculate_metrics(
        input1=fake, input1_model_num_samples=COUNT, input2=Plain(real), cuda=False, isc=True,
        fid=True, kid=True, prc=True, kid_subsets=10, kid_subset_size=100, batch_size=25,
        verbose=False, cache=False,
        save_cpu_ram=True,  # no workers, so no warning of too many
        feature_extractor="inception-v3-compat", feature_extractor_weights_path=str(weights),
    )  # fmt: skip
    return found


def compare(
    images: ImageSet, real: Tensor, extractor: Extractor, wanted: Mapping[str, float], size: int
) -> None:
    """Distances to 1e-4, the Inception score to 1e-5, precision and recall to 1 / n."""
    features: list[Tensor] = []

    class Watching(FeatureStore):
        """Keeps hold of the features."""

        def room(self, count: int, width: int) -> Tensor:
            features.append(super().room(count, width))
            return features[-1]

    reals = [RealImages(DatasetImages(Dataset(real)), "cifar10", "test")]
    asked = EvaluationSpec(["fid", "is", "prc"], extractor)
    cache = Path(f"cache-{size}")
    store = Watching(cache)
    known = look_at_reals(reals, asked, store, batch_size=size)
    found = score_images(images, known, asked, store, batch_size=size).by_reference[0].scores
    tolerance = {"fid": 1e-4, "inception_score": 1e-5}
    for ours, name in CALLED.items():
        relative = tolerance.get(ours)
        absolute = None if relative else 1 / COUNT
        assert found[ours] == pytest.approx(wanted[name], rel=relative, abs=absolute), ours
    scored = features[-1]
    seen = features[0] if len(features) > 1 else reference_features(cache)
    assert float(seen.std()) > 0.1
    kernel = kernel_distance(scored, seen, subsets=10, size=100)
    assert kernel.mean == pytest.approx(wanted["kernel_inception_distance_mean"], rel=1e-4)
    assert abs(kernel.mean) > 1e-6


def reference_features(cache: Path) -> Tensor:
    from safetensors.torch import load_file

    (file,) = cache.glob("reference-*")
    return load_file(file)["features"]


@pytest.fixture
def real(data_dir: Path) -> Tensor:
    return TorchvisionImages(source="cifar10").load_split(data_dir, "test").x[:COUNT]


@pytest.fixture
def weights(real: Tensor, tmp_path: Path) -> Path:
    file = tmp_path / "inception.pth"
    calibrated_inception(file, real[:32])
    return file


@pytest.mark.slow
def test_folders_zips_and_arrays(real: Tensor, weights: Path) -> None:
    noise = torch.randint(-60, 61, real.shape, generator=torch.Generator().manual_seed(0))
    fake = (real.flip(0).int() + noise).clamp(0, 255).to(torch.uint8)
    samples = fake.permute(0, 2, 3, 1).numpy()
    for form in ("folder", "zip", "npz"):
        write([samples], range(COUNT), Path(form), form, key="images")
    wanted = theirs("folder", real, weights)
    extractor = load_extractor("inception", weights, CPU, trusted=True)
    for place, size in (("folder", 25), ("zip/samples.zip", 60), ("npz/samples.npz", 25)):
        images = ImageFiles.of(*survey(Path(place)))
        assert torch.equal(images.at(range(COUNT)), fake)
        compare(images, real, extractor, wanted, size)


@pytest.mark.slow
def test_generators(real: Tensor, weights: Path) -> None:
    from torch_fidelity import GenerativeModelModuleWrapper

    preset = narrow(("dcgan", "cifar10", "lite"), ["schedule.steps=2"])
    Trainer(job(preset, Path("run"))).train()
    saved = load(Path("run/checkpoints/step-000002.safetensors"))
    images = GeneratedImages(saved, COUNT, raw=False, batch_size=500, device=CPU)
    asked = GenerativeModelModuleWrapper(InOrder(images), 4, "normal", 0)
    wanted = theirs(asked, real, weights)
    extractor = load_extractor("inception", weights, CPU, trusted=True)
    for size in (25, 60):
        compare(images, real, extractor, wanted, size)
