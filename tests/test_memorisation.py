"""Memorisation: analytic values, duplicates, and the picture."""

import io
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from gancli.data import Dataset
from gancli.evaluation.distances import nearest
from gancli.evaluation.evaluate import look_at_reals, score_images
from gancli.evaluation.extractors import Extractor, Seen
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.memorisation import Neighbours, memorisation, memorisation_sheet
from gancli.evaluation.spec import EvaluationSpec, RealImages

CPU = torch.device("cpu")


def found(distance: Tensor) -> Neighbours:
    return Neighbours(distance, torch.zeros(len(distance), dtype=torch.int64))


def normal(count: int, seed: int, width: int = 4) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def test_by_hand() -> None:
    told = memorisation(found(torch.tensor([1.0, 2, 3, 9])), found(torch.tensor([2.0, 4, 6, 8])))
    # 1: four farther; 2: three and a tie; 3: three; 9: none.
    assert told.nearer == pytest.approx((4 + 3.5 + 3 + 0) / 16)
    # The hundredth part of four distances lies between the first two: 2.06.
    assert told.repeated == 0.5
    assert (told.fake_median, told.held_out_median) == (2, 4)


@pytest.mark.parametrize("block", [200, 2**20])
def test_the_nearest_are_the_nearest(block: int) -> None:
    of, among = normal(50, 0), normal(70, 1)
    distance, place = nearest(of, among, CPU, block)
    wanted = torch.cdist(of, among).min(1)
    assert torch.allclose(distance, wanted.values, atol=1e-5)
    assert torch.equal(place, wanted.indices)


def test_samplers_that_are_known() -> None:
    """Fresh images: .01 and .5; copies: 1 and 1; far ones: 0 and 0."""
    train, held_out = normal(4000, 0), Neighbours.of(normal(4000, 1), normal(4000, 0))
    fresh = memorisation(Neighbours.of(normal(4000, 2), train), held_out)
    # Binomial, of 4,000 at .01: a standard deviation of .0016; U's is .5 / sqrt(3 n / 2).
    assert fresh.repeated == pytest.approx(0.01, abs=0.007)
    assert fresh.nearer == pytest.approx(0.5, abs=0.03)
    copies = memorisation(Neighbours.of(train[:500].clone(), train), held_out)
    assert (copies.repeated, copies.nearer) == (1, 1)
    assert copies.fake_median < 0.01
    far = memorisation(Neighbours.of(normal(500, 3) + 100, train), held_out)
    assert (far.repeated, far.nearer) == (0, 0)


def test_copies_among_images_are_found_and_shown(tmp_path: Path) -> None:
    """A generator that repeats a part of what it was trained on."""
    source = torch.Generator().manual_seed(0)
    every = torch.randint(0, 256, (420, 3, 8, 8), dtype=torch.uint8, generator=source)
    train, held_out = (DatasetImages(Dataset(x)) for x in (every[:200], every[200:400]))
    fakes = DatasetImages(Dataset(torch.cat([every[[17, 3, 99]], every[400:]])))
    extractor = Extractor("toy", "0", False, "", 192, CPU, lambda x: Seen(x.flatten(1) / 1.0, None))
    asked = EvaluationSpec(
        ["memorisation"], extractor,
        train=RealImages(train, "set", "train"), held_out=RealImages(held_out, "set", "test"),
    )  # fmt: skip
    store = FeatureStore(tmp_path)
    known = look_at_reals([], asked, store, batch_size=64)
    result = score_images(fakes, known, asked, store, batch_size=64)
    near, unseen = (Neighbours.of(x.flatten(1) / 1.0, every[:200].flatten(1) / 1.0)
                    for x in (fakes.data.x, every[200:400]))  # fmt: skip
    assert near.nearest_first()[:3].sort().values.tolist() == [0, 1, 2]
    assert near.place[:3].tolist() == [17, 3, 99]
    assert result.by_reference[0].scores["memorisation_repeated"] >= 3 / 23
    picture = result.pictures["memorisation"]()
    assert picture is not None
    assert picture == memorisation_sheet(fakes, train, held_out, (near, unseen))
    sheet = Image.open(io.BytesIO(picture))
    left, step = sheet.width - 12 * 68, 68

    def cell(row: int, column: int) -> bytes:
        corner = (left + column * step, 4 + row * step)
        return sheet.crop((*corner, corner[0] + 64, corner[1] + 64)).tobytes()

    # The first columns show copies above what they copy.
    assert cell(0, 0) == cell(1, 0)
    assert cell(0, 5) != cell(1, 5)
    assert cell(2, 0) != cell(3, 0)
