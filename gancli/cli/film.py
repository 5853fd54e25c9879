"""`gan film` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.choices import FilmFormat
from gancli.cli.complete import complete_run
from gancli.defaults import FILM_RATE, FILM_SECONDS, FILM_SIZE


def film(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN ...]",
            show_default=False,
            autocompletion=complete_run,
            help="Run folders or names, model names (their latest runs), or the folder of a sweep "
            "or study, whose cells stand side by side. Default: the latest run with previews.",
        ),
    ] = None,
    to: Annotated[
        FilmFormat | None,
        typer.Option(
            "--to",
            help="Format of the film; mp4 needs pip install 'gancli\\[film]'. Default: that of "
            "--out, else gif.",
        ),
    ] = None,
    size: Annotated[
        str,
        typer.Option(
            "--size",
            metavar="N|WxH|phone|slide",
            help="Pixels of the longer side; or width and height that the film fits into, e.g. "
            "1280x720, which is slide; phone: 720x1280.",
        ),
    ] = FILM_SIZE,
    seconds: Annotated[
        float,
        typer.Option("--seconds", min=0.5, max=600, metavar="S", help="Length of the film."),
    ] = FILM_SECONDS,
    per_second: Annotated[
        int,
        typer.Option(
            "--fps", min=1, max=50, metavar="N", help="Frames per second, at most; of mp4 exactly."
        ),
    ] = FILM_RATE,
    steps: Annotated[
        str | None,
        typer.Option("--steps", metavar="LOW-HIGH", help="Steps to show, e.g. 100-500 or 100-."),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            "--only",
            metavar="NAME,...",
            help="Cells of a sweep or study to show, by their labels or names. Default: those of "
            "the first seed.",
        ),
    ] = None,
    loop: Annotated[
        bool, typer.Option("--loop/--once", help="Begin again at the end, in gif and webp.")
    ] = True,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="File to write. Default: film.gif (or .webp, .mp4) in the folder of the run or "
            "study; of several runs, in the current folder.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file in --out.")] = False,
) -> None:
    """Make a film of previews over steps, with step and verdict; several runs side by side."""
    from gancli.commands import film as command

    command.film(
        command.FilmRequest(
            runs=tuple(runs or ()),
            to=to,
            size=size,
            seconds=seconds,
            per_second=per_second,
            steps=steps,
            only=only,
            loop=loop,
            out=out,
            force=force,
        )
    )
