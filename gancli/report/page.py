"""A run's report: one HTML page that opens from disk and fetches nothing."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from gancli.catalog.fields import leaves
from gancli.data import Mixture
from gancli.evaluation.leaderboard import Entry
from gancli.evaluation.mode_coverage import FAIR_SHARE, RADIUS_IN_STD
from gancli.evaluation.protocol import Evaluation
from gancli.folders import portable
from gancli.health.measures import BINS_HELD
from gancli.html import data_uri, page_bytes, template, thinned
from gancli.plurals import counted
from gancli.preset import Preset, to_toml
from gancli.preset.published import ABSENT
from gancli.report.charts import SCORE_WORDS, charts_of, charts_on_page, with_short_names
from gancli.report.evaluation import (
    protocol_lines,
    shown_interval,
    shown_name,
    shown_value,
)
from gancli.report.health import before_any, bins_picture, spans_of
from gancli.report.summary import Summary
from gancli.scores import is_headline

REPORT_PICTURE_BYTES = 12_000_000
"""Bytes of pictures in one page; in its base64 they take a third more."""
MAX_PREVIEWS = 120


class PreviewFrame(NamedTuple):
    """One preview."""

    step: int
    source: str
    """a data URI"""
    words: str
    """what is seen in it"""


class DeviationRow(NamedTuple):
    """A field that differs from the paper."""

    field: str
    here: str
    paper: str
    note: str


class Judged(NamedTuple):
    """Evaluations of one protocol."""

    scores: list[str]
    """their names"""
    rows: list[list[str]]
    """of each its step, how its checkpoint was chosen, and its values"""
    protocol: list[str]
    """in words"""


def render_report(summary: Summary) -> bytes:
    """The page, in UTF-8, below 20 MB."""
    preset, frames = summary.header.preset, _frames(summary)
    page = template("gancli.report", "report.html.jinja").render(
        name=summary.run.folder.resolve().name,
        preset=preset,
        facts=_facts(summary),
        frames=frames,
        spans=spans_of(summary, [frame.step for frame in frames]),
        early=before_any(summary),
        bins=bins_picture(summary),
        seen=_seen(summary),
        left_out=len(summary.previews) - len(_chosen(summary)),
        charts=charts_on_page(list(map(with_short_names, charts_of(summary)))),
        latest={name: f"{value:.5g}" for name, value in summary.latest().items()},
        judged=[_judged(group, preset.data.class_names) for group in summary.standing()],
        published=_published(preset),
        deviations=[
            (row.field, row.here, f"{row.paper} ({row.note})" if row.note else row.paper)
            for row in deviation_rows(preset)
        ],
        toml=to_toml(preset),
    )
    return page_bytes(page)


def _facts(summary: Summary) -> dict[str, str]:
    header, preset = summary.header, summary.header.preset
    settings = header.settings
    return {
        "model": f"{preset.name}, variant {preset.variant}",
        "data set": f"{preset.dataset} (fingerprint {header.data[:12]})",
        **({"weights from": str(preset.started_from)} if preset.started_from else {}),
        "state": summary.state,
        "speed": summary.pace(),
        "batch": f"{counted(preset.schedule.batch_size, 'sample')}, "
        f"{counted(preset.schedule.discriminator_steps, 'discriminator turn')} per step",
        "seed": str(settings.seed),
        "device": f"{settings.device}, {settings.precision}, {counted(settings.threads, 'thread')}"
        + (", deterministic" if settings.deterministic else "")
        + (", batch norm over all processes" if settings.sync_bn else "")
        + (", compiled where that agrees" if settings.compiled else ""),
        "versions": ", ".join(f"{name} {version}" for name, version in header.versions.items()),
        "checkpoint": portable(summary.run.checkpoint_file(header.step)),
    }


def _seen(summary: Summary) -> str:
    """What the last preview of points shows, in a sentence; empty where modes are not counted."""
    latest, data = summary.latest(), summary.header.preset.data
    if not isinstance(data, Mixture) or not SCORE_WORDS.keys() <= latest.keys():
        return ""
    return (
        f"In the last preview the samples reach {latest['modes_captured']:g} of "
        f"{counted(data.modes, 'mode')} (captured) and give {latest['modes_held']:g} of them at "
        f"least {FAIR_SHARE:.0%} of their fair share (held); {latest['high_quality']:.0%} of the "
        f"points are within {RADIUS_IN_STD:g} standard deviations of a mode."
    )


def _judged(group: list[Entry], classes: Sequence[str]) -> Judged:
    every = (name for each in group for name in each.evaluation.scores)
    names = list(dict.fromkeys(filter(is_headline, every)))
    rows = [
        [
            "" if each.evaluation.step is None else f"{each.evaluation.step:,}",
            each.how,
            *(_shown(name, each.evaluation) for name in names),
        ]
        for each in group
    ]
    last = group[-1].evaluation
    return Judged(
        [shown_name(n, last, classes) for n in names], rows, [*protocol_lines(last), *last.remarks]
    )


def _shown(name: str, found: Evaluation) -> str:
    if name not in found.scores:
        return ""
    return f"{shown_value(name, found)} {shown_interval(name, found)}".rstrip()


def _chosen(summary: Summary) -> list[tuple[int, Path]]:
    """The previews that fit into a page: evenly spread, the first and the last among them."""
    every = list(summary.previews.items())
    for limit in range(min(len(every), MAX_PREVIEWS), 1, -1):
        chosen = thinned(every, limit)
        if sum(path.stat().st_size for _, path in chosen) <= REPORT_PICTURE_BYTES:
            return chosen
    return [pair for pair in every[-1:] if pair[1].stat().st_size <= REPORT_PICTURE_BYTES]


def _frames(summary: Summary) -> list[PreviewFrame]:
    preset = summary.header.preset
    seen = "images" if preset.data.key == "images" else "generated points over real ones"
    numbers = _main_numbers(summary)
    return [
        PreviewFrame(
            step,
            data_uri(path.read_bytes()),
            f"{seen} of {preset.name} on {preset.dataset} at step {step:,}{numbers.get(step, '')}",
        )
        for step, path in _chosen(summary)
    ]


def _main_numbers(summary: Summary) -> dict[int, str]:
    """Each step's number: modes held, else the first score found in training, else bins held."""
    known = {"modes held": summary.scores.get("modes_held"), **summary.judged}
    known["bins held"] = summary.looks.get(BINS_HELD)
    name, points = next(((name, points) for name, points in known.items() if points), ("", []))
    return {point.step: f": {name} {point.value:.4g}" for point in points or ()}


def _published(preset: Preset) -> dict[str, str]:
    """What the source of the preset scores, if it has this configuration."""
    return {name: str(value) for name, value in preset.expected or () if value is not None}


def deviation_rows(preset: Preset) -> Iterable[DeviationRow]:
    """The fields that differ from the paper, as text."""
    values = leaves(preset.model_dump(mode="json"))
    for path, said in preset.deviations_in_force().items():
        here = values.get(path)
        yield DeviationRow(
            path, ABSENT if here is None else _text(here), _text(said.paper), said.note
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
