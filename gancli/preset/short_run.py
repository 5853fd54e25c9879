"""Runs that are shorter than their preset's: lines of the log and previews, and `lite` variants."""

from collections.abc import Sequence

from gancli import catalog
from gancli.data import ImageFolder
from gancli.errors import UsageError
from gancli.pasteable import command
from gancli.preset.load import change
from gancli.preset.schema import Preset

MIN_LINES, MIN_PREVIEWS = 20, 5
"""Of a short run's log, and previews after the one of step 0."""


def fill_short_run(preset: Preset, overrides: Sequence[str]) -> Preset:
    """The preset, its log and previews closer together where `--steps` or `--epochs` is set.

    A preset's periods are made for its own schedule: a run of a tenth of it would end with a curve
    of one point. A period that is set stays.

    Args:
        preset: with the overrides laid over it.
        overrides: `path.to.field=value`.
    """
    steps, typed = preset.schedule.steps, _typed(overrides)
    if not typed & {"steps", "epochs"}:
        return preset
    closer = {
        "log_every": _round(steps // MIN_LINES),
        "preview_every": _round(steps // MIN_PREVIEWS),
    }
    now = preset.schedule.model_dump(include=set(closer))
    periods = [
        f"schedule.{name}={period}"
        for name, period in closer.items()
        if name not in typed and period < now[name]
    ]
    return change(preset, periods) if periods else preset


def keep_periods(preset: Preset, stored: Preset, overrides: Sequence[str]) -> Preset:
    """The preset with a run's own periods of log and previews, where none are typed."""
    typed = _typed(overrides)
    kept = stored.schedule.model_dump(include={"log_every", "preview_every"})
    periods = [f"schedule.{name}={period}" for name, period in kept.items() if name not in typed]
    return change(preset, periods) if periods else preset


def set_epochs(overrides: Sequence[str], before: object) -> bool:
    """Whether a schedule is in epochs once the overrides are laid over it.

    Args:
        overrides: `path.to.field=value`.
        before: the schedule's epochs without them; None: it is in steps.
    """
    typed = _typed(overrides)
    return "epochs" in typed or (bool(before) and "steps" not in typed)


def lite_command(preset: Preset) -> str | None:
    """The command that trains the same for a shorter time, where there is one."""
    data = preset.data
    own = data.own if isinstance(data, ImageFolder) else None
    try:
        file = catalog.preset_file(preset.name)
        known = file.variants_on(
            catalog.home_of(file) if isinstance(data, ImageFolder) else preset.dataset
        )
    except UsageError:
        return None
    if "lite" not in known or preset.variant == "lite":
        return None
    named = own or preset.dataset
    return command("train", preset.name, "--dataset", named, "--variant", "lite")


def _round(period: int) -> int:
    """The largest of 1, 2, 5, 10, 20, 50 ... that is not above it."""
    power: int = 10 ** (len(str(max(1, period))) - 1)
    return next(m * power for m in (5, 2, 1) if m * power <= max(1, period))


def _typed(overrides: Sequence[str]) -> set[str]:
    """The fields of the schedule that are set, without its name."""
    return {text.partition("=")[0].strip().removeprefix("schedule.") for text in overrides}
