"""How the samples spread over the modes of the data: `gan evaluate --modes`.

Modes are the classes of the real images, where there are labels that a classifier can learn, and
bins of the real images, which need none (Richardson and Weiss 2018, arXiv:1805.12462).
"""

import numpy as np

from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.metrics.metric import METRICS, ImageCounts, Metric, MetricInputs
from gancli.evaluation.mode_bins import REALS_PER_BIN, BinnedSamples, BinSettings
from gancli.evaluation.mode_coverage import Assigned, jensen_shannon, reverse_kl
from gancli.evaluation.mode_picture import bin_picture
from gancli.scores import METRIC_TABLE

BINS, COMPONENTS, SEED = "modes-bins", "modes-components", "modes-seed"
MIN_BINS = 2
FEW_SAMPLES_PER_BIN = 20
"""Fewer samples miss bins by chance: one of a third of the usual share is then empty at e^-7."""
NAMED_AT_MOST = 10
"""Missing modes that are named."""


@METRICS.register("modes")
class ModesOfData(Metric):
    """Known modes held, bins held and bins that differ."""

    entry = METRIC_TABLE["modes"]
    needs = FeatureNeeds(features=True, modes=True)
    reference_needs = FeatureNeeds(bins=BinSettings(100, 64, 0))

    def needs_of_reference(self) -> FeatureNeeds:
        """Bins by the settings."""
        chosen = (self.setting(name) for name in (BINS, COMPONENTS, SEED))
        return FeatureNeeds(bins=BinSettings(*chosen))

    def least(self) -> int:
        """As many as fill the bins, where their number was asked for; else two of them."""
        return REALS_PER_BIN * (self.setting(BINS) if self.is_set(BINS) else MIN_BINS)

    def settings(self, fake: int, real: int) -> dict[str, int]:
        """Fewer bins, where there are few real images."""
        bins = min(self.setting(BINS), max(MIN_BINS, real // REALS_PER_BIN))
        return super().settings(fake, real) | {BINS: bins}

    def remarks(self, counts: ImageCounts, extractor: str) -> list[str]:
        """That bins may be missed by chance."""
        del extractor
        bins = self.settings(counts.fake, counts.real)[BINS]
        if counts.fake >= FEW_SAMPLES_PER_BIN * bins:
            return []
        return [
            f"{counts.fake:,} images are few for {bins} bins, of which some may be missed by "
            f"chance: {FEW_SAMPLES_PER_BIN * bins:,} are enough, or set fewer --{BINS}"
        ]

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Of known modes, where there are any, then of bins."""
        known, binned = _known(inputs), _binned(inputs)
        scores = {} if known is None else scores_of_modes(known)
        return scores | {
            "bins_held": float(binned.assigned.is_held.sum()),
            "bins_different": float(binned.is_different.sum()),
            "bins_different_share": float(binned.is_different.mean()),
            "bins_jensen_shannon": binned.divergence,
        }

    def findings(self, inputs: MetricInputs) -> list[str]:
        """Which modes and bins are not held."""
        known, binned = _known(inputs), _binned(inputs)
        said = []
        if known is not None and inputs.known_modes is not None:
            names = inputs.known_modes.names
            lacking = [names[number] for number in np.flatnonzero(~known.is_held)]
            said += _lacking("modes", lacking, len(names))
        made, real = binned.assigned.counts / len(binned.bin), binned.bins.shares
        bins = [
            f"{n} ({made[n]:.2%} of the samples, {real[n]:.2%} of the reals)"
            for n in binned.missing
        ]
        return [*said, *_lacking("bins", bins, len(real))]

    def picture(self, inputs: MetricInputs) -> bytes | None:
        """Reals of the bins that the samples are rarest in, and samples of the fullest."""
        images = inputs.images
        if images is None or images.real is None:
            return None
        return bin_picture(_binned(inputs), images.real, images.fake)


def scores_of_modes(assigned: Assigned) -> dict[str, float]:
    """How samples spread over known modes; a divergence of no sample is left out."""
    cover = assigned.coverage()
    found = {
        "modes_held": float(cover.held),
        "modes_captured": float(cover.captured),
        "high_quality": cover.high_quality,
        "reverse_kl": reverse_kl(assigned.counts, assigned.shares),
        "jensen_shannon": jensen_shannon(assigned.counts, assigned.shares),
    }
    return {name: value for name, value in found.items() if value is not None}


def _known(inputs: MetricInputs) -> Assigned | None:
    readings, modes = inputs.fake.modes, inputs.known_modes
    return None if readings is None or modes is None else modes.assigned(readings)


def _binned(inputs: MetricInputs) -> BinnedSamples:
    return inputs.shared("bins", lambda: inputs.fake.in_bins(inputs.reference.all_bins()))


def _lacking(kind: str, names: list[str], of: int) -> list[str]:
    if not names:
        return []
    more = len(names) - NAMED_AT_MOST
    listed = ", ".join(names[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
    return [f"{kind} not held, {len(names)} of {of}: {listed}"]
