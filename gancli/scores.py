"""The metrics and the scores they give: options, labels, which way is better; knows no torch.

A metric's mathematics is in the file of `gancli/evaluation/metrics` that bears its name. To add
one, write that file and a line here; a plugin's metric brings its line itself.
"""

from collections.abc import Iterator

from gancli.errors import UsageError
from gancli.score_types import MetricEntry as MetricEntry
from gancli.score_types import MetricSetting as MetricSetting
from gancli.score_types import Score as Score

STD_SUFFIX = "_std"
"""NAME_std is the spread of the score NAME over repetitions."""
CLASS_INFIX = "_class"
"""NAME_class3 is the score NAME of the class 3 alone."""
PUBLISHED_EXTRACTOR = "inception"
"""The network by whose features the literature's scores are computed."""


METRIC_TABLE: dict[str, MetricEntry] = {}
"""In the order of options and of scores."""


def add_metric(entry: MetricEntry) -> None:
    """Add a metric to the table; one of its name is replaced.

    Raises:
        UsageError: the name of one of its scores is taken.
    """
    others = (each for name, each in METRIC_TABLE.items() if name != entry.name)
    taken = {score.name for other in others for score in other.scores}
    for score in entry.scores:
        if score.name in taken:
            raise UsageError(f"score {score.name} belongs to two metrics: rename one of them")
    METRIC_TABLE[entry.name] = entry


def all_scores() -> Iterator[Score]:
    """The scores of all metrics, in the table's order."""
    return (score for entry in METRIC_TABLE.values() for score in entry.scores)


def score_named(name: str) -> Score:
    """A score by its name; one of a metric that is not here is shown under its bare name."""
    return next((score for score in all_scores() if score.name == name), Score(name, name))


def setting_named(name: str) -> MetricSetting:
    """A metric's setting by its name.

    Raises:
        UsageError: there is none.
    """
    every = {each.name: each for entry in METRIC_TABLE.values() for each in entry.settings}
    if name not in every:
        raise UsageError(f"no setting {name} of a metric: choose from {', '.join(every)}")
    return every[name]


def option_of_setting(name: str) -> str | None:
    """The metric that a setting is of; None: there is none here."""
    own = (e.name for e in METRIC_TABLE.values() if any(s.name == name for s in e.settings))
    return next(own, None)


def settings_of(score: str) -> tuple[MetricSetting, ...]:
    """What a score is computed with."""
    entry = metric_of(whole_score(score.removesuffix(STD_SUFFIX)))
    return () if entry is None else entry.settings


def ranks(name: str) -> bool:
    """Whether runs and checkpoints may be ranked by a score."""
    return score_named(name).better is not None


def ranking_scores() -> list[str]:
    """The names of the scores that rank."""
    return [score.name for score in all_scores() if score.better is not None]


def metric_of(score: str) -> MetricEntry | None:
    """The metric that gives a score; None: there is none here."""
    own = (entry for entry in METRIC_TABLE.values() if any(s.name == score for s in entry.scores))
    return next(own, None)


def option_of(score: str) -> str | None:
    """The metric to ask for to get a score; None: the score comes by itself, or is unknown."""
    entry = metric_of(score)
    return entry.name if entry is not None and entry.is_option else None


def metric_options() -> list[MetricEntry]:
    """The metrics that have an option."""
    return [entry for entry in METRIC_TABLE.values() if entry.is_option]


def default_metrics() -> tuple[str, ...]:
    """The metrics that are computed where none is named."""
    return tuple(entry.name for entry in METRIC_TABLE.values() if entry.is_default)


def quick_metrics() -> tuple[str, ...]:
    """The metrics that `gan evaluate --quick` computes."""
    return tuple(entry.name for entry in METRIC_TABLE.values() if entry.is_quick)


def is_spread(name: str) -> bool:
    """Whether this is the spread of another score."""
    return name.endswith(STD_SUFFIX)


def class_of(name: str) -> int | None:
    """The class that a score is of; None: it is of all images."""
    _, infix, number = name.rpartition(CLASS_INFIX)
    return int(number) if infix and number.isdecimal() else None


def whole_score(name: str) -> str:
    """The score of all images that a class's score belongs to; else the same name."""
    return name if class_of(name) is None else name.rpartition(CLASS_INFIX)[0]


def is_headline(name: str) -> bool:
    """Whether a score stands for itself: no spread, and of all classes."""
    return not is_spread(name) and class_of(name) is None


for _entry in (
    MetricEntry(
        "fid",
        "Frechet distance of features.",
        (Score("fid", "FID", "lower", is_distance=True),),
        is_default=True,
    ),
    MetricEntry(
        "is",
        "Inception score.",
        (Score("inception_score", "Inception score", "higher", least=1.0, aliases=("isc",)),),
        is_default=True,
        is_quick=True,
        settings=(MetricSetting("is-splits", "splits", 10, "Splits of the Inception score."),),
    ),
    MetricEntry(
        "is-koshian2",
        "Inception score as koshian2/SNGAN measured it: comparable with its tables alone.",
        (Score("inception_score_koshian2", "Inception score (koshian2)", "higher", least=1.0),),
        extractor="inception-torchvision",
        count=10_000,
        note="Inception score (koshian2): real CIFAR-10 training images have 10.25 by it, and "
        "11.24 by the usual protocol, so compare it with the tables of koshian2/SNGAN alone",
    ),
    MetricEntry(
        "intra-fid",
        "FID of each class, and their mean.",
        (Score("intra_fid", "intra-FID, mean", "lower", is_distance=True, aliases=("ifid",)),),
    ),
    MetricEntry(
        "kid",
        "Kernel distance of features.",
        (Score("kid", "KID", "lower"),),
        settings=(
            MetricSetting("kid-subsets", "subsets", 100, "Subsets that KID is the mean over."),
            MetricSetting(
                "kid-subset-size",
                "images per subset",
                1000,
                "Images in each of KID's subsets; half of fewer than 1000.",
                least=2,
            ),
        ),
    ),
    MetricEntry(
        "mind",
        "Monge Inception distance: sliced Wasserstein distance of features.",
        (Score("mind", "MIND", "lower", is_distance=True),),
        is_quick=True,
        settings=(
            MetricSetting(
                "mind-projections", "projections", 1000, "Directions that MIND is the mean over."
            ),
        ),
    ),
    MetricEntry(
        "prc",
        "Precision and recall.",
        (
            Score("precision", "precision", "higher", least=0.0, most=1.0),
            Score("recall", "recall", "higher", least=0.0, most=1.0),
        ),
        settings=(
            MetricSetting("prc-k", "k", 3, "Neighbours that precision's and recall's balls reach."),
        ),
    ),
    MetricEntry(
        "dc",
        "Density and coverage.",
        (
            Score("density", "density", "higher", least=0.0),
            Score("coverage", "coverage", "higher", least=0.0, most=1.0),
        ),
        is_quick=True,
        settings=(
            MetricSetting("dc-k", "k", 5, "Neighbours that density's and coverage's balls reach."),
        ),
    ),
    MetricEntry(
        "digits",
        "What a classifier reads in images of digits.",
        (
            Score(
                "recognised",
                "recognised as asked",
                "higher",
                is_share=True,
                names_extractor=False,
            ),
            Score("code_purity", "digits told by code", is_share=True),
            Score("code_information", "  code and digit, nats"),
            Score("code_as_labelled", "  read as the code's class", is_share=True),
            Score("code_thickness", "  code 0 and thickness, r", least=-1.0, most=1.0),
        ),
        is_option=False,
    ),
    MetricEntry(
        "memorisation",
        "Distance to the nearest training images, compared with that of held-out images.",
        (
            Score("memorisation_repeated", "near a training image", is_share=True),
            Score("memorisation_nearer", "nearer than held-out", is_share=True),
            Score("memorisation_fake_median", "  distance, median"),
            Score("memorisation_held_out_median", "  of held-out images"),
        ),
    ),
    MetricEntry(
        "modes",
        "Modes of the data that the samples hold: classes, and bins of the real images.",
        (
            Score(
                "modes_held", "modes held", "higher", of_known_modes=True, is_count=True, decimals=0
            ),
            Score(
                "modes_captured", "modes captured", of_known_modes=True, is_count=True, decimals=0
            ),
            Score("high_quality", "  samples of high quality", is_share=True, of_known_modes=True),
            Score(
                "reverse_kl", "  reverse KL, nats", "lower", is_distance=True, of_known_modes=True
            ),
            Score(
                "jensen_shannon",
                "  divergence, nats",
                "lower",
                is_distance=True,
                of_known_modes=True,
            ),
            Score("std_ratio", "  width of modes", least=0.0, of_known_modes=True),
            Score("bins_held", "bins held", "higher", is_count=True, decimals=0, least=0.0),
            Score("bins_different", "bins that differ", "lower", decimals=0, least=0.0),
            Score(
                "bins_different_share",
                "bins that differ, share",
                "lower",
                is_share=True,
                aliases=("ndb",),
            ),
            Score(
                "bins_jensen_shannon",
                "divergence of bins, nats",
                "lower",
                is_distance=True,
                aliases=("modes",),
            ),
        ),
        settings=(
            MetricSetting("modes-bins", "bins", 100, "Bins of real images, for --modes.", least=2),
            MetricSetting(
                "modes-components", "components", 64, "Principal components that bins go by."
            ),
            MetricSetting("modes-seed", "seed", 0, "Seed of the bins' k-means.", least=0),
        ),
        extractor_alone="pixels",
    ),
):
    add_metric(_entry)
