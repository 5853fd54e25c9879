"""Scores with their protocol, as a table."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from gancli.evaluation.memorisation import NEAR_SHARE
from gancli.evaluation.mode_coverage import FAIR_WORDS, NEAR_WORDS
from gancli.evaluation.protocol import GIVEN, Evaluation, Protocol
from gancli.evaluation.results import TrainingEvaluation
from gancli.preset import Published
from gancli.report.console import console, say
from gancli.score_words import extractor_of, score_label, shown_number
from gancli.scores import (
    STD_SUFFIX,
    class_of,
    is_headline,
    is_spread,
    metric_of,
    score_named,
)

PUBLISHED_COUNT = 50_000
"""Images that published scores are computed on; FIDs of other counts differ by their bias."""
ENOUGH_IMAGES = 10_000
"""Fewer images bias FID visibly (Chong and Forsyth 2020, arXiv:1911.07023)."""
INTERVALS_NOTE = (
    "[low, high]: 95 %, over which images were generated (recall, coverage: which real ones there "
    "are); other training seeds move scores further"
)


def comparable(found: Evaluation, name: str = "fid") -> bool:
    """Whether the features are those that published values of a score are computed with."""
    return found.protocol.published and found.protocol.extractor == extractor_of(name)


def shown_name(name: str, found: Evaluation, classes: Sequence[str]) -> str:
    """A score's label; that of other features than the published ones says whose they are."""
    label = class_of(name)
    if label is not None:
        return f"  {classes[label]}"
    return score_label(name, found.protocol.extractor, published=found.protocol.published)


def shown_value(name: str, found: Evaluation) -> str:
    """A score's value, with its spread where it has one."""
    # Files of before have a 0 where repetitions were of the same images.
    spread = found.scores.get(f"{name}{STD_SUFFIX}")
    around = f" +- {spread:.4f}" if spread else ""
    return shown_number(name, found.scores[name]) + around


def shown_interval(name: str, found: Evaluation, *, short: bool = False) -> str:
    """A score's interval; empty where it has none."""
    ends = [shown_number(name, end, short=short) for end in found.intervals.get(name, ())]
    return f"[{', '.join(ends)}]" if ends else ""


def scores_in_a_line(found: Evaluation) -> str:
    """The scores that stand for themselves, with their labels."""
    return ", ".join(
        f"{shown_name(name, found, ())} {shown_value(name, found)}"
        for name in found.scores
        if is_headline(name)
    )


def in_a_line(found: TrainingEvaluation) -> str:
    """An evaluation made in training: the scores, and which checkpoint is the best."""
    scores = ", ".join(map(scores_in_a_line, found.every))
    best = "the best" if found.best == found.step else f"step {found.best:,} is the best"
    by = score_named(found.by).label
    return f"step {found.step:,}: {scores}; {best} of {found.of} by {by}"


def title_of(found: Evaluation) -> str:
    """The scored images, in a line."""
    if found.step is None:
        return found.model
    return f"{found.model} on {found.dataset}, {found.variant}, step {found.step:,}"


def print_evaluation(
    found: Evaluation, classes: Sequence[str], expected: Published | None = None
) -> None:
    """Print the scores next to the published ones, and the protocol.

    Args:
        found: the scores.
        classes: what the labels stand for.
        expected: published scores of the preset.
    """
    comparable_to_published = comparable(found) and found.protocol.split == "train"
    published = expected if comparable_to_published else None
    title = escape(title_of(found))
    table = Table(title=title, title_justify="left")
    interval = ("95 %",) if found.intervals else ()
    more = ("published", "difference") if published is not None else ()
    for heading in ("score", "ours", *interval, *more):
        table.add_column(heading, justify="left" if heading == "score" else "right")
    for name in found.scores:
        if not is_spread(name):
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
    for line in (*protocol_lines(found), *found.remarks):
        say(line)
    if published is not None:
        say(f"published by {published.source}")


def print_baseline(baseline: Evaluation) -> None:
    """Print what real data score by the same protocol."""
    scores = scores_in_a_line(baseline)
    say(f"{baseline.model}, {baseline.selection}, by the same protocol: {scores}")


def protocol_lines(found: Evaluation) -> list[str]:
    """What the scores depend on, in words."""
    p = found.protocol
    each = f", {p.per_class:,} of each class" if p.per_class else ""
    if p.classes_as is not None and not each:
        of_all = {"equal": "equally many", "reference": "in the reference's proportions"}
        each = f", classes {of_all[p.classes_as]}"
    if p.network == GIVEN:
        drawn = "" if p.scored_from is None else f"drawn from {p.scored_from:,}, "
        made = f"{p.count:,} images as they are in files, {drawn}{found.images}"
    else:
        within = f", noise within {p.truncation:g}" if p.truncation else ""
        made = (
            f"{p.count:,} generated {things_scored(p)}{each} ({p.network}, batch norm in "
            f"{p.mode} mode, seeds {p.seeds}{within}, checkpoint: {found.selection})"
        )
    return [made, *([p.converted] if p.converted else []), *reference_lines(found)]


def things_scored(protocol: Protocol) -> str:
    """Images, which features are taken of; or points, whose modes are counted without any."""
    return "images" if protocol.extractor else "points"


def reference_lines(found: Evaluation) -> list[str]:
    """What the scores depend on in addition to the scored images, in words."""
    p = found.protocol
    if not p.extractor:
        return [
            f"modes of {p.reference}, data {p.data}",
            f"a mode is held {FAIR_WORDS}, and captured with one such sample",
            f"of high quality: {NEAR_WORDS}",
        ]
    lines = _against(p)
    how = ", ".join(filter(None, (p.dtype, p.forward)))
    lines.append(f"by {p.extractor}, weights {p.weights}, {how}, images {p.resize}")
    if p.deviation is not None:
        lines.append(
            f"features in {p.dtype} are {p.deviation:.2g} of their length off those in float32, so "
            "these scores compare with their like alone"
        )
    if not all(comparable(found, name) for name in found.scores):
        lines.append(
            f"[{p.extractor}]: not the features of published scores, so compare like with like"
        )
    lines += settings_lines(found)
    lines += dict.fromkeys(e.note for n in found.scores if (e := metric_of(n)) and e.note)
    if "fid" in found.scores and p.count < ENOUGH_IMAGES:
        lines.append(
            f"FID of {p.count:,} images is biased upwards: compare FIDs of equally many images only"
        )
    if p.held_out:
        lines.append(
            f"near a training image ({p.train}): nearer than 99 % of held-out real images are "
            f"({p.held_out}); "
            f"new images have {NEAR_SHARE:.0%}. nearer than held-out: how likely; new images have "
            "50 %"
        )
    if found.intervals:
        lines.append(INTERVALS_NOTE)
    return lines


def _against(p: Protocol) -> list[str]:
    """The real images, and what reads their modes."""
    lines = []
    if p.reference_count and not p.reference_weights:
        split = "" if p.split == "all" else f", {p.split} split"
        drawn = "" if p.drawn_from is None else f", drawn from {p.drawn_from:,}"
        whole = f"{p.reference_count:,} of {p.reference}{split}{drawn}"
        lines.append(f"against {whole}, data {p.data}")
    if p.reference_weights:
        count = "" if p.reference_count else "; of how many images is unknown, too"
        lines.append(
            f"against the statistics in {p.reference}, data {p.data}, weights "
            f"{p.reference_weights}{count}"
        )
    if p.modes_read:
        lines.append(f"modes are read by the {p.modes_read}")
    return lines


def settings_lines(found: Evaluation) -> list[str]:
    """What the metrics of the scores are computed with, one line per metric that says it."""
    own = {e.name: e for name in found.scores if (e := metric_of(name)) and e.settings}
    lines = []
    for entry in own.values():
        own_scores = [score for score in entry.scores if not score.of_known_modes]
        labels = [score.label for score in own_scores if score.name in found.scores]
        values = found.protocol.settings_of(entry.scores[0].name)
        said = ", ".join(f"{each.label} {values[each.name]:,}" for each in entry.settings)
        has_spread = any(f"{score.name}{STD_SUFFIX}" in found.scores for score in entry.scores)
        spread = "; +- is the standard deviation over them" if has_spread else ""
        names = ", ".join([*labels[:-2], " and ".join(labels[-2:])])
        lines.append(f"{names}: {said}{spread}")
    return lines
