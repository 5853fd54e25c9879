"""Scores with their protocol, as a table."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from gancli.evaluation.extractors import INCEPTION
from gancli.evaluation.memorisation import NEAR_SHARE
from gancli.evaluation.protocol import GIVEN, Evaluation
from gancli.evaluation.results import Examined
from gancli.preset import Published
from gancli.report.console import console, say

RECOGNISED = "recognised"
NAMES = {
    "fid": "FID",
    "inception_score": "Inception score",
    "kid": "KID",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "intra_fid": "intra-FID, mean",
    "code_purity": "digits told by code",
    "code_information": "  code and digit, nats",
    "memorisation_repeated": "near a training image",
    "memorisation_nearer": "nearer than held-out",
    "memorisation_fake_median": "  distance, median",
    "memorisation_held_out_median": "  of held-out images",
    RECOGNISED: "recognised as asked",
}
SHARES = {RECOGNISED, "code_purity", "memorisation_repeated", "memorisation_nearer"}
"""Scores that are shown in percent."""
PUBLISHED_COUNT = 50_000
"""Images that published scores are computed on; FIDs of other counts differ by their bias."""
MANY = 10_000
"""Fewer images bias FID visibly."""
STD = "_std"
INTERVALS = (
    "[low, high]: 95 %, over which images were generated (recall, coverage: which real ones there "
    "are); other training seeds move scores further"
)
OF_CLASS = "intra_fid_class"


def comparable(found: Evaluation) -> bool:
    """Whether the features are those that the literature's scores are computed with."""
    return found.protocol.published and found.protocol.extractor == INCEPTION


def shown_name(name: str, found: Evaluation, classes: Sequence[str]) -> str:
    """A score's name; whose features it is of stands behind it, unless they are the published."""
    if name.startswith(OF_CLASS):
        return f"  {classes[int(name.removeprefix(OF_CLASS))]}"
    if name == RECOGNISED or comparable(found):
        return NAMES[name]
    return f"{NAMES[name]} [{found.protocol.extractor}]"


def shown_value(name: str, found: Evaluation) -> str:
    """A score's value; a distance a hair below 0 is 0."""
    spread = found.scores.get(f"{name}{STD}")
    around = f" +- {spread:.4f}" if spread is not None else ""
    return shown_number(name, found.scores[name]) + around


def shown_interval(name: str, found: Evaluation, *, short: bool = False) -> str:
    """A score's interval; empty where it has none."""
    ends = [shown_number(name, end, short=short) for end in found.intervals.get(name, ())]
    return f"[{', '.join(ends)}]" if ends else ""


def shown_number(name: str, value: float, *, short: bool = False) -> str:
    """A value of a score.

    Args:
        name: of the score.
        value: raw.
        short: whether large ones get fewer digits than four after the point.
    """
    if name in SHARES:
        return f"{value:.2%}"
    value = max(0.0, value) if "fid" in name else value
    places = 4 - (sum(abs(value) >= limit for limit in (1, 10, 100)) if short else 0)
    return f"{value:.{places}f}"


def in_a_line(found: Examined) -> str:
    """An evaluation made in training: the scores, and which checkpoint is the best."""
    scores = ", ".join(
        f"{shown_name(name, found.evaluation, ())} {shown_value(name, found.evaluation)}"
        for name in found.evaluation.scores
        if not name.endswith(STD) and not name.startswith(OF_CLASS)
    )
    best = "the best" if found.best == found.step else f"step {found.best:,} is the best"
    return f"step {found.step:,}: {scores}; {best} of {found.of} by {NAMES.get(found.by, found.by)}"


def title_of(found: Evaluation) -> str:
    """What was scored, in a line."""
    if found.step is None:
        return found.model
    return f"{found.model} on {found.dataset}, {found.variant}, step {found.step:,}"


def print_evaluation(
    found: Evaluation, classes: Sequence[str], expected: Published | None = None
) -> None:
    """Print the scores beside the published ones, and the protocol.

    Args:
        found: the scores.
        classes: what the labels stand for.
        expected: published scores of the preset.
    """
    beside_published = comparable(found) and found.protocol.split == "train"
    published = expected if beside_published else None
    title = escape(title_of(found))
    table = Table(title=title, title_justify="left")
    interval = ("95 %",) if found.intervals else ()
    more = ("published", "difference") if published is not None else ()
    for heading in ("score", "ours", *interval, *more):
        table.add_column(heading, justify="left" if heading == "score" else "right")
    for name in found.scores:
        if not name.endswith(STD):
            said = getattr(published, name, None)
            as_many = found.protocol.count == PUBLISHED_COUNT
            difference = f"{found.scores[name] - said:+.4f}" if said and as_many else ""
            cells = ("" if said is None else f"{said:.4f}", difference)
            table.add_row(
                escape(shown_name(name, found, classes)),
                shown_value(name, found),
                *([escape(shown_interval(name, found))] if found.intervals else []),
                *cells[: len(more)],
            )
    console().print(table, soft_wrap=False)
    for line in protocol_lines(found):
        say(line)
    if published is not None:
        say(f"published by {published.source}")


def print_floor(floor: Evaluation) -> None:
    """Print what real data score by the same protocol."""
    scores = ", ".join(
        f"{shown_name(name, floor, ())} {shown_value(name, floor)}"
        for name in floor.scores
        if not name.endswith(STD) and not name.startswith(OF_CLASS)
    )
    say(f"{floor.model}, {floor.selection}, by the same protocol: {scores}")


def protocol_lines(found: Evaluation) -> list[str]:
    """What the scores depend on, in words."""
    p = found.protocol
    each = f", {p.per_class:,} of each class" if p.per_class else ""
    if p.network == GIVEN:
        made = f"{p.count:,} images as they were given, {found.images}"
    else:
        within = f", noise within {p.truncation:g}" if p.truncation else ""
        made = (
            f"{p.count:,} generated images{each} ({p.network}, batch norm in {p.mode} mode, seeds "
            f"{p.seeds}{within}, checkpoint: {found.selection})"
        )
    return [made, *reference_lines(found)]


def reference_lines(found: Evaluation) -> list[str]:
    """What the scores depend on beside the scored images, in words."""
    p = found.protocol
    lines = []
    if p.reference_count:
        split = "" if p.split == "all" else f", {p.split} split"
        lines.append(f"against {p.reference_count:,} of {p.reference}{split}, data {p.data}")
    lines.append(f"by {p.extractor}, weights {p.weights}, {p.dtype}, images {p.resize}")
    if not comparable(found):
        lines.append(
            f"[{p.extractor}]: not the features of published scores, so compare like with like"
        )
    if "fid" in found.scores and p.count < MANY:
        lines.append(
            f"FID of {p.count:,} images is biased upwards: compare it with FIDs of as many alone"
        )
    if p.held_out:
        lines.append(
            f"near a training image ({p.train}): nearer than 99 % of held-out real images are "
            f"({p.held_out}); "
            f"new images have {NEAR_SHARE:.0%}. nearer than held-out: how likely; new images have "
            "50 %"
        )
    if found.intervals:
        lines.append(INTERVALS)
    return lines
