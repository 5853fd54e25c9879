"""The strip of a run, from its previews and its log."""

from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from gancli.checkpoint import Header, read_header
from gancli.data import Mixture
from gancli.errors import RunError
from gancli.film.strip import FilmStrip, PictureAt, Remark
from gancli.frames import Frame
from gancli.health.verdict import StandingVerdict, Tone, verdicts_in
from gancli.image_formats import image_in
from gancli.palette import BAD_NEWS, GOOD_NEWS, NO_NEWS
from gancli.pasteable import command
from gancli.pictures import resized_sharply
from gancli.point_pictures import PLOT_SIDE, SHOWN_REALS, draw_points
from gancli.runs.folder import Run
from gancli.runs.standing import is_at_work, known_step
from gancli.sampler import Samples

NEWS_COLOURS = {Tone.GOOD: GOOD_NEWS, Tone.STILL: NO_NEWS, Tone.BAD: BAD_NEWS}


def strip_of_run(run: Run) -> FilmStrip:
    """A run's previews up to the last step that anything is known of.

    Raises:
        RunError: it has no checkpoint, or no previews that can be read.
    """
    header, rows = read_header(run.checkpoint()), run.metrics()
    known = known_step(header.step, rows)
    files = {step: file for step, file in run.previews().items() if step <= known}
    if not files:
        again = command("train", run.preset_file, "--out", f"{run.folder}-filmed")
        raise RunError(
            f"{run.folder} holds no previews, which films are made of: train it again with {again}"
        )
    draw = _drawing(files, header)
    steps = header.preset.schedule.steps
    stopped = known < steps and not is_at_work(run)
    return FilmStrip(
        name=f"{header.preset.name} on {header.preset.dataset}",
        steps=list(files),
        last_step=max(known, steps),
        picture=draw,
        size=draw(max(files), None).size,
        news=[as_news(each) for each in verdicts_in(rows)],
        end=f"stopped at step {known:,} of {steps:,}" if stopped else "",
        folder=run.folder.resolve().name,
        of_points=isinstance(header.preset.data, Mixture),
    )


def as_news(standing: StandingVerdict) -> Remark:
    """A verdict as a film tells it: in a word or three, and since when."""
    found = standing.verdict
    return Remark(
        standing.step, f"{found.title} since step {found.since:,}", NEWS_COLOURS[found.tone]
    )


def _drawing(files: Mapping[int, Path], header: Header) -> PictureAt:
    """Draws points again, from what their previews carry; enlarges other previews."""
    data, seed = header.preset.data, header.settings.seed
    reals = training_points(data, seed) if isinstance(data, Mixture) else None

    def draw(step: int, box: tuple[int, int] | None) -> Image.Image:
        try:
            with image_in(files[step]) as stored:
                frame = Frame.carried_by(stored)
                if frame is not None and isinstance(data, Mixture) and reals is not None:
                    return points_of(frame, data, reals, box)
                picture = stored.convert("RGB")
        except (OSError, ValueError, SyntaxError) as error:
            raise RunError(
                f"the preview {files[step]} cannot be read ({error}): remove it, and type the "
                "command again"
            ) from error
        return picture if box is None else resized_sharply(picture, box)

    return draw


def points_of(
    frame: Frame, data: Mixture, reals: Samples, box: tuple[int, int] | None
) -> Image.Image:
    """A frame's points over real ones, as large as fits into a box; None: as in previews."""
    side = PLOT_SIDE if box is None else min(box)
    return draw_points(frame.samples, reals, data.scale, side, frame.field)


def training_points(data: Mixture, seed: int) -> Samples:
    """The points that a run of this seed is trained on, as far as they are shown."""
    return data.to_samples(data.load(Path(), seed).x[:SHOWN_REALS])
