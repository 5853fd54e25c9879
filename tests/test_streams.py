"""Randomness without state."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gancli.errors import UsageError
from gancli.preset import load_preset
from gancli.prior import LatentAxis, Prior
from gancli.rng import stream, uniforms
from gancli.types import Latent


def test_a_stream_is_a_function_of_its_name() -> None:
    first = stream(1, "latent", 2, 3).random(5)
    assert np.array_equal(first, stream(1, "latent", 2, 3).random(5))
    for other in (
        stream(2, "latent", 2, 3),
        stream(1, "flip", 2, 3),
        stream(1, "latent", 3, 3),
        stream(1, "latent", 2, 4),
    ):
        assert not np.array_equal(first, other.random(5))


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_latent_depends_on_its_seed_alone(distribution: str, data: st.DataObject) -> None:
    more = {"categories": 10, "codes": 2, "code_distribution": distribution, "levels": (2, 3)}
    prior = Prior.model_validate({"z_dim": 7, "distribution": distribution, **more})
    numbers = st.lists(st.integers(0, 2**40), min_size=1, max_size=40, unique=True)
    seeds = data.draw(numbers)
    cut = data.draw(st.integers(0, len(seeds)))
    whole = prior.at(seeds)
    parts = Latent.joined([prior.at(seeds[:cut]), prior.at(seeds[cut:])])
    last = prior.at([seeds[-1]])
    for name in ("z", "category", "code", "levels"):
        assert torch.equal(getattr(whole, name), getattr(parts, name))
        assert torch.equal(getattr(whole, name)[-1], getattr(last, name)[0])


def test_consecutive_seeds_do_not_overlap() -> None:
    assert len(np.unique(uniforms(range(1000), "sample", 9))) == 9000


def test_numbers_are_uniform_and_never_0_or_1() -> None:
    u = uniforms(range(20_000), "sample", 10)
    assert 0 < u.min() < u.max() < 1
    counts, _ = np.histogram(u, bins=50, range=(0, 1))
    # Chi-squared with 49 degrees of freedom: above 100 with a probability below 1e-5.
    assert ((counts - 4000) ** 2 / 4000).sum() < 100


def test_priors_have_the_moments_they_name() -> None:
    normal = Prior(z_dim=10, scale=2.0)
    uniform = Prior(z_dim=10, distribution="uniform", scale=3.0**0.5)
    for prior, std in ((normal, 2.0), (uniform, 1.0)):
        for z in (prior.at(range(10_000)).z, prior.draw(10_000, stream(0, "latent")).z):
            assert float(z.mean()) == pytest.approx(0, abs=0.03)
            assert float(z.std()) == pytest.approx(std, rel=0.02)
    assert float(uniform.at(range(10_000)).z.abs().max()) <= 3.0**0.5


def test_no_seeds_are_no_latents() -> None:
    assert Prior(z_dim=3).at([]).z.shape == (0, 3)
    levels = Prior(z_dim=3, levels=(2, 4)).at([]).levels
    assert levels is not None
    assert levels.shape == (0, 2, 4)


FULL = Prior(z_dim=3, categories=10, codes=2, code_distribution="uniform", levels=(4, 6))


@pytest.mark.parametrize("how", ["draw", "at"])
def test_codes_and_coordinates_have_the_distributions_they_name(how: str) -> None:
    count = 20_000
    latent = FULL.at(range(count)) if how == "at" else FULL.draw(count, stream(0, "latent"))
    assert latent.category is not None
    assert latent.code is not None
    assert latent.levels is not None
    counts = np.bincount(latent.category, minlength=10)
    assert counts.shape == (10,)
    # Chi-squared with 9 degrees of freedom: beyond 33.7 once in 10,000.
    assert float(((counts - 2000) ** 2 / 2000).sum()) < 33.7
    assert latent.code.shape == (count, 2)
    assert 0.99 < float(latent.code.abs().max()) <= 1
    assert float(latent.code.var()) == pytest.approx(1 / 3, rel=0.03)
    assert latent.levels.shape == (count, 4, 6)
    assert float(latent.levels.std()) == pytest.approx(1, rel=0.02)
    # No part repeats another.
    parts = torch.cat([latent.z, latent.code, latent.levels.flatten(1)], 1)
    off = torch.corrcoef(parts.T).fill_diagonal_(0).abs()
    assert float(off.max()) < 0.05


def test_noise_is_drawn_first_so_that_more_parts_change_nothing_in_it() -> None:
    plain = Prior(z_dim=3)
    assert torch.equal(plain.draw(9, stream(0, "a")).z, FULL.draw(9, stream(0, "a")).z)
    assert torch.equal(plain.at(range(9)).z, FULL.at(range(9)).z)


def test_truncation_reaches_every_number_but_the_category() -> None:
    whole, near = FULL.at(range(500)), FULL.at(range(500), truncation=0.5)
    for name in ("z", "code", "levels"):
        assert 0.45 < float(getattr(near, name).abs().max()) <= 0.5
    assert torch.equal(near._asdict()["category"], whole._asdict()["category"])


def test_axes_are_named_in_order() -> None:
    assert [axis.name for axis in FULL.axes()][:5] == ["category", "code0", "code1", "L0D0", "L0D1"]
    assert FULL.axes()[-1] == LatentAxis("L3D5", "level", 5, 3)
    assert len(FULL.axes()) == 1 + 2 + 4 * 6
    assert Prior(z_dim=3).axes() == ()


# --- a uniform distribution with other ends ---


def one_sided(**fields: object) -> Prior:
    said: dict[str, object] = {"z_dim": 10, "distribution": "uniform", "low": 0.0}
    return Prior.model_validate(said | fields)


@pytest.mark.parametrize(("low", "scale"), [(0.0, 1.0), (0.0, 3.0), (-1.0, 0.5), (2.0, 5.0)])
def test_a_uniform_prior_goes_from_low_to_scale(low: float, scale: float) -> None:
    prior = one_sided(low=low, scale=scale)
    for z in (prior.at(range(10_000)).z, prior.draw(10_000, stream(0, "latent")).z):
        assert low <= float(z.min()) < low + 1e-3 * (scale - low)
        assert scale - 1e-3 * (scale - low) < float(z.max()) <= scale
        assert float(z.mean()) == pytest.approx((low + scale) / 2, abs=0.01 * (scale - low))
        assert float(z.std()) == pytest.approx((scale - low) / 12**0.5, rel=0.02)


@pytest.mark.parametrize("scale", [1.0, 1.7])
def test_a_low_of_minus_scale_is_that_of_none(scale: float) -> None:
    """To the last bit; and other ends move the same draws."""
    plain, said = one_sided(low=None, scale=scale), one_sided(low=-scale, scale=scale)
    for within in (None, 0.4):
        first, second = (prior.at(range(50), truncation=within).z for prior in (plain, said))
        assert torch.equal(first, second)
    drawn = [prior.draw(50, stream(0, "latent")).z for prior in (plain, said)]
    assert torch.equal(*drawn)
    moved = one_sided(scale=1.0).at(range(50)).z
    assert torch.allclose(2 * moved - 1, one_sided(low=None).at(range(50)).z, atol=1e-6)


def test_truncation_keeps_the_middle_of_what_has_ends() -> None:
    near = one_sided().at(range(2000), truncation=0.5).z
    assert 0.25 <= float(near.min()) < 0.251
    assert 0.749 < float(near.max()) <= 0.75
    assert torch.equal(one_sided().at(range(9), truncation=7).z, one_sided().at(range(9)).z)


@pytest.mark.parametrize("within", [None, 0.7])
def test_the_way_from_one_to_another_stays_between_the_ends(within: float | None) -> None:
    prior = one_sided(scale=2.0)
    first, second = (prior.at(range(a, a + 400), truncation=within) for a in (0, 400))
    middle = prior.between(first, second, 0.5, within).z
    low, high = (1 - (within or 1), 1 + (within or 1))
    assert low <= float(middle.min()) < float(middle.max()) <= high
    assert float(middle.mean()) == pytest.approx(1, abs=0.03)
    assert float(middle.var() / first.z.var()) == pytest.approx(1, abs=0.1)
    assert torch.equal(prior.between(first, second, 0, within).z, first.z)
    assert torch.allclose(prior.between(first, second, 1e-9, within).z, first.z, atol=1e-5)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (["distribution=uniform", "low=1"], "low is 1, and must be less than scale = 1"),
        (["distribution=uniform", "low=nan"], "low"),
        (["low=0"], r"prior\.low changes nothing, because prior\.distribution = normal"),
    ],
)
def test_ends_that_cannot_be_are_refused(fields: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_preset("gan", "ring8", overrides=[f"prior.{field}" for field in fields])
