"""Forms of the classic losses that the sources use, against torch's own losses."""

import pytest
import torch
from helpers import narrow
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, mse_loss

from gancli.errors import UsageError
from gancli.objective.adversarial import DensityRatio, LeastSquares, Vanilla
from gancli.preset import load_preset


@pytest.fixture
def logits() -> tuple[Tensor, Tensor]:
    """On fakes and on reals, in float64."""
    torch.manual_seed(5)
    return torch.randn(7, dtype=torch.float64) * 3, torch.randn(9, dtype=torch.float64) * 3


@pytest.mark.parametrize("target", [1.0, 0.9, 0.25])
@pytest.mark.parametrize("halved", [False, True])
def test_a_smoothed_target_is_that_of_bce(
    target: float, halved: bool, logits: tuple[Tensor, Tensor]
) -> None:
    """Of reals in the discriminator's turn; fakes keep 0, and the generator wants 1."""
    fake, real = (each.sigmoid() for each in logits)
    term = Vanilla(real_target=target, halved=halved)
    wanted = binary_cross_entropy(real, torch.full_like(real, target))
    wanted = wanted + binary_cross_entropy(fake, torch.zeros_like(fake))
    found = term.tell_apart(*logits)
    assert float(found) == pytest.approx(float(wanted) / (2 if halved else 1), rel=1e-12)
    pleased = binary_cross_entropy(fake, torch.ones_like(fake))
    assert float(term.deceive(logits[0])) == pytest.approx(float(pleased), rel=1e-12)


def test_smoothing_is_least_where_reals_get_the_target() -> None:
    logit = torch.tensor(0.9, dtype=torch.float64).logit().requires_grad_()
    (slope,) = torch.autograd.grad(Vanilla(real_target=0.9).recognise(logit[None]), logit)
    assert float(slope) == pytest.approx(0, abs=1e-12)


def test_the_saturating_loss_is_the_log_that_fakes_are_not_real(
    logits: tuple[Tensor, Tensor],
) -> None:
    fake, _ = logits
    found = float(Vanilla(saturating=True).deceive(fake))
    assert found == pytest.approx(float((1 - fake.sigmoid()).log().mean()), rel=1e-12)
    # It saturates: a fake that is surely judged fake has next to no slope.
    sure = torch.tensor([-20.0]).double().requires_grad_()
    for saturating, slope in ((True, -2.06e-9), (False, -1.0)):
        value = Vanilla(saturating=saturating).deceive(sure)
        (slid,) = torch.autograd.grad(value, sure)
        assert float(slid) == pytest.approx(slope, rel=1e-2)


def test_each_side_of_least_squares_may_be_halved(logits: tuple[Tensor, Tensor]) -> None:
    """Victarry/Image-Generation-models halves the discriminator's side alone."""
    fake, real = logits
    term = LeastSquares(halved=True, generator_halved=False)
    apart = mse_loss(real, torch.ones_like(real)) + mse_loss(fake, torch.zeros_like(fake))
    deceived = float(mse_loss(fake, torch.ones_like(fake)))
    assert float(term.tell_apart(fake, real)) == pytest.approx(float(apart) / 2, rel=1e-12)
    assert float(term.deceive(fake)) == pytest.approx(deceived, rel=1e-12)
    other = LeastSquares(halved=False, generator_halved=True)
    assert float(other.tell_apart(fake, real)) == pytest.approx(float(apart), rel=1e-12)
    assert float(other.deceive(fake)) == pytest.approx(deceived / 2, rel=1e-12)
    for halved in (False, True):
        both = LeastSquares(halved=halved)
        same = LeastSquares(halved=halved, generator_halved=halved)
        assert float(both.deceive(fake)) == float(same.deceive(fake))


def test_a_density_ratio_has_no_fields_of_a_loss_it_does_not_use() -> None:
    assert set(DensityRatio.model_fields) == {"weight", "halved"}
    with pytest.raises(UsageError, match=r"no field objective\.density_ratio\.saturating"):
        load_preset("veegan", "ring8", overrides=["objective.density_ratio.saturating=true"])


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("least_squares.generator_halved=true", "halved says the same of both sides"),
        ("vanilla.real_target=0", "real_target"),
        ("vanilla.real_target=1.1", "real_target"),
    ],
)
def test_what_says_nothing_or_nonsense_is_refused(field: str, said: str) -> None:
    model = "lsgan" if field.startswith("least") else "gan"
    with pytest.raises(UsageError, match=said):
        narrow((model, "mnist", "reference"), [f"objective.{field}"])
