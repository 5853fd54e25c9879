"""Intervals of scores, 95 %: how far a score would move with other images of the same generator.

What they cover is that one set of n images was drawn and not another, and nothing else. They say
nothing of other training seeds, which as a rule move scores further, nor of other checkpoints; and
they lie around what n images score on average: the bias that n brings to FID stays in. Of recall
and coverage, which are shares of the real images, it is these that might have been others.

A score is, to first order, a constant plus a mean over the images of what each adds to it (its
influence; Hampel 1974, Efron 1982 chapter 6). These numbers are resampled, not the images: a
resampled FID of 2,048 features would take an eigenvalue problem each time, and repeated images bias
it upwards by as much as n does. Shares get Wilson's interval (1927), which is honest at 0 and 1.
"""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.stats import binomtest
from torch import Tensor

from gancli.evaluation.features import Gathered
from gancli.evaluation.frechet import Gaussian
from gancli.evaluation.metrics import (
    DEGREE,
    DENSITY_NEIGHBOUR,
    OFFSET,
    SUBSETS,
    Manifolds,
)
from gancli.rng import stream

Interval = tuple[float, float]
LEVEL = 0.95
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
ANCHORS = 2000
"""Images that a kernel's mean over a set is taken on."""
NUMBERS_AT_ONCE = 2**22
ROWS_AT_ONCE = 4096
SHARES_OF_FAKES = ("precision", "recognised")
SHARES_OF_REALS = ("recall", "coverage")
TINY = 1e-10
"""Of the largest eigenvalue: below, a direction has no variance but rounding's."""


def share_interval(share: float, count: int) -> Interval:
    """Wilson's interval of a share of `count` independent images; `share` in [0, 1]."""
    found = binomtest(round(share * count), count).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)


def mean_interval(
    score: float, influences: Tensor, resamples: int, more_std: float = 0.0
) -> Interval:
    """The percentile bootstrap of a score that is a mean of influences.

    Args:
        score: what was found.
        influences: (N,) what each image adds, in the score's units; their mean does not matter.
        resamples: how many means of N, drawn with replacement, are taken.
        more_std: standard deviation of what moves the score beside the images, normally.
    """
    values = influences.double().cpu().numpy()
    values = values - values.mean()
    rng = stream(0, "bootstrap")
    means = []
    rows = max(1, NUMBERS_AT_ONCE // len(values))
    for start in range(0, resamples, rows):
        size = (min(rows, resamples - start), len(values))
        means.append(values[rng.integers(len(values), size=size)].mean(1))
    moved = np.concatenate(means) + more_std * rng.standard_normal(resamples)
    low, high = np.quantile(moved, TAILS)
    return score + float(low), score + float(high)


def frechet_influences(reference: Gaussian, other: Gaussian, features: Tensor) -> Tensor:
    """What each image adds to the Frechet distance between its set and a reference.

    Let m and C be the set's mean and covariance, m' and C' the reference's, R = C'^(1/2), and
    T = R (R C R)^(-1/2) R the map that carries the one Gaussian onto the other (Dowson and Landau
    1982). An image at x adds 2 (m - m')^T (x - m) + (x - m)^T (I - T) (x - m) - tr((I - T) C).

    Args:
        reference: the real images.
        other: the set's moments.
        features: (N, D) of the set.

    Returns:
        (N,) float64, on the moments' device.
    """
    root = reference.root
    product = root @ other.covariance @ root
    values, vectors = torch.linalg.eigh((product + product.T) / 2)
    there = values > TINY * values.amax()
    inverse = torch.where(there, values, 1).rsqrt() * there
    carry = root @ (vectors * inverse) @ vectors.T @ root
    change = torch.eye(len(root), dtype=root.dtype, device=root.device) - carry
    constant = (change * other.covariance).sum()
    slope = 2 * (other.mean - reference.mean)
    found = []
    for rows in _blocks(features):
        away = rows.to(root.device, root.dtype) - other.mean
        found.append(away @ slope + ((away @ change) * away).sum(1) - constant)
    return torch.cat(found)


def inception_influences(logits: Tensor) -> Tensor:
    """What each image adds to exp(mean KL(p(y | x) || p(y))); from (N, classes) logits, (N,)."""
    p, log_p = logits.double().softmax(1), logits.double().log_softmax(1)
    divergence = (p * (log_p - p.mean(0).log())).sum(1)
    mean = divergence.mean()
    return mean.exp() * (divergence - mean)


def kernel_influences(fake: Tensor, real: Tensor) -> Tensor:
    """What each fake adds to the squared MMD of KID's kernel.

    Twice the mean kernel with other fakes, less twice that with reals (Gretton et al. 2012, section
    B.1), on at most `ANCHORS` of each; `fake` (N, D), `real` (M, D), result (N,) float64.
    """
    rng = stream(0, "anchors")
    chosen = torch.from_numpy(rng.permutation(len(fake))[:ANCHORS])
    fakes, reals = fake[chosen], real[torch.from_numpy(rng.permutation(len(real))[:ANCHORS])]
    among = torch.zeros(len(fake), dtype=torch.float64)
    among[chosen] = 1
    found: list[Tensor] = []
    for rows in _blocks(fake):
        same = _kernel((rows * rows).sum(1).double() / rows.shape[1])
        with_fakes, with_reals = (
            _kernel((rows @ anchors.T).double() / rows.shape[1]) for anchors in (fakes, reals)
        )
        # An anchor's kernel with itself says nothing of others.
        own = among[len(found) * ROWS_AT_ONCE :][: len(rows)]
        mean = (with_fakes.sum(1) - own * same) / (len(fakes) - own)
        found.append(2 * (mean - with_reals.mean(1)))
    return torch.cat(found)


def _kernel(product: Tensor) -> Tensor:
    return (product + OFFSET) ** DEGREE


def _blocks(features: Tensor) -> Iterator[Tensor]:
    yield from torch.split(features, ROWS_AT_ONCE)


def intervals_of(
    scores: dict[str, float],
    fake: Gathered,
    real: Gathered | None,
    cover: Manifolds | None,
    resamples: int,
) -> dict[str, Interval]:
    """The intervals of those scores that have one, in their order.

    Args:
        scores: what was found.
        fake: the scored images, their features kept where scores are distances.
        real: the reference.
        cover: how the two cover each other.
        resamples: of the bootstrap.
    """
    found: dict[str, Interval] = {}
    for name, score in scores.items():
        if name in SHARES_OF_FAKES:
            found[name] = share_interval(score, fake.count)
        elif name in SHARES_OF_REALS and real is not None:
            found[name] = share_interval(score, real.count)
        elif name == "density" and cover is not None:
            found[name] = mean_interval(score, cover.balls / DENSITY_NEIGHBOUR, resamples)
        elif name == "inception_score" and fake.logits is not None:
            found[name] = mean_interval(score, inception_influences(fake.logits), resamples)
    return found | _of_distances(scores, fake, real, resamples)


def _of_distances(
    scores: dict[str, float], fake: Gathered, real: Gathered | None, resamples: int
) -> dict[str, Interval]:
    if fake.features is None or real is None:
        return {}
    found: dict[str, Interval] = {}
    if "fid" in scores:
        adds = frechet_influences(real.total, fake.total, fake.features)
        found["fid"] = mean_interval(scores["fid"], adds, resamples)
    if "intra_fid" in scores and fake.labels is not None:
        adds = _of_classes(fake, fake.features, fake.labels, real)
        found["intra_fid"] = mean_interval(scores["intra_fid"], adds, resamples)
    if "kid" in scores and real.features is not None:
        adds = kernel_influences(fake.features, real.features)
        # KID is a mean over subsets, which might have been others, too.
        subsets = scores["kid_std"] / SUBSETS**0.5
        found["kid"] = mean_interval(scores["kid"], adds, resamples, subsets)
    return found


def _of_classes(fake: Gathered, features: Tensor, labels: Tensor, real: Gathered) -> Tensor:
    """What each image adds to the mean over the classes of their distances."""
    found = torch.zeros(len(features), dtype=torch.float64)
    for label, own in real.by_class.items():
        places = labels == label
        adds = frechet_influences(own, fake.by_class[label], features[places]).cpu()
        found[places] = adds * len(features) / (len(adds) * len(real.by_class))
    return found
