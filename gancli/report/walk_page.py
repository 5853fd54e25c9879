"""The page of a walk, which needs nothing else: a slider along the way, and a button that plays."""

from collections.abc import Mapping, Sequence

from gancli.choices import LabelWay
from gancli.html import page_bytes, template
from gancli.pasteable import named
from gancli.report.walk_figures import page_pictures
from gancli.sampler import Samples
from gancli.settings import Settings
from gancli.walk import Walk, WalkFrame


class WalkRecord(Settings):
    """A walk, and all that it depends on."""

    model: str
    dataset: str
    variant: str
    checkpoint: str
    """its file"""
    step: int
    network: str
    stops: tuple[str, ...]
    through: tuple[int, ...]
    """seeds, or rows of `latents`"""
    latents: str | None
    """the file whose rows are the stops; None: they are seeds"""
    label: str | None
    """the class that all samples are asked for; None: each seed has its own"""
    labels: str
    """what labels do between stops of different classes: blended, or held until half-way"""
    held: str
    """axes held at values, as they were typed"""
    truncation: float | None
    loop: bool
    seconds: float
    """of the whole walk"""
    frames: tuple[WalkFrame, ...]
    """which way each picture is on, its share of it, and how many seconds it is shown"""
    versions: dict[str, str]


def render_walk(
    record: WalkRecord, walk: Walk, frames: Sequence[WalkFrame], images: Samples, film: str
) -> bytes:
    """The page, in UTF-8; `film` is the name of the film's file next to it."""
    pictures = page_pictures(images)
    told = [
        {"source": source, "seconds": frame.seconds, "words": " · ".join(filter(None, said))}
        for source, frame, said in zip(pictures, frames, map(walk.words, frames), strict=True)
    ]
    stops = [place for place, frame in enumerate(frames) if frame.share in (0, 1)]
    page = template("gancli.report", "walk.html.jinja").render(
        record=record,
        first=told[0],
        told=told,
        last=len(frames) - 1,
        stops=list(zip(stops, record.stops, strict=True)),
        pixelated=max(images.shape[1:3]) < 400,
        film=film,
        facts=_facts(record, walk),
    )
    return page_bytes(page)


def _facts(record: WalkRecord, walk: Walk) -> Mapping[str, str]:
    whence = (
        f"rows of {record.latents}" if record.latents else f"seeds, as {named('sample')} makes them"
    )
    categories = "" if walk.stops.category is None else "; categories change at half-way"
    facts = {
        "checkpoint": f"{record.checkpoint}, step {record.step:,}, {record.network}",
        "stops": f"{', '.join(map(str, record.through))}: {whence}",
        "way": f"spherical, in the normal scores of all numbers{categories}",
        "labels": _labels(record, walk),
        "held": record.held,
        "truncation": "" if record.truncation is None else f"{record.truncation:g}",
        "length": f"{record.seconds:g} s, {len(record.frames)} pictures"
        + (", without end" if record.loop else ""),
        "versions": ", ".join(f"{name} {said}" for name, said in record.versions.items()),
    }
    return {name: said for name, said in facts.items() if said}


def _labels(record: WalkRecord, walk: Walk) -> str:
    """What labels do; empty: there are none."""
    if walk.stops.label is None:
        return ""
    if record.label is not None:
        return f"{record.label}, held"
    return "blended" if record.labels == LabelWay.BLENDED else "held until half-way"
