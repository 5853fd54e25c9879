"""Randomness without state."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gancli.prior import Prior
from gancli.streams import stream, uniforms


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
    prior = Prior.model_validate({"z_dim": 7, "distribution": distribution})
    numbers = st.lists(st.integers(0, 2**40), min_size=1, max_size=40, unique=True)
    seeds = data.draw(numbers)
    cut = data.draw(st.integers(0, len(seeds)))
    whole = prior.at(seeds).z
    parts = torch.cat([prior.at(seeds[:cut]).z, prior.at(seeds[cut:]).z])
    assert torch.equal(whole, parts)
    assert torch.equal(whole[-1], prior.at([seeds[-1]]).z[0])


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
