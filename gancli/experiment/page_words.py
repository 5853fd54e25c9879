"""What an experiment's page says in words."""

from collections.abc import Container, Mapping

import numpy as np
from numpy.typing import NDArray

from gancli.experiment.folder import Experiment
from gancli.experiment.picture_store import frame_key
from gancli.experiment.pictures import SEEDS_WITH_LINES, outer_share, shown_weights
from gancli.experiment.results import Results
from gancli.experiment.spec import ExperimentSpec
from gancli.experiment.tables import INTERVAL_WORDS, number, unit
from gancli.plurals import counted


def seen_at_the_end(results: Results) -> dict[str, str]:
    """What each group's last measurement shows, by the group's name."""
    found = {}
    for group in results.groups:
        held, captured = (group.measures.get(name) for name in ("held", "captured"))
        if held and captured and held.of:
            found[group.name] = (
                f"{held.mean:.3g} of {counted(int(held.of), 'mode')} held at the end, "
                f"{captured.mean:.3g} captured"
                + (f" (means of {len(held.values)} seeds)" if len(held.values) > 1 else "")
            )
    return found


def numbers_seen(results: Results) -> dict[str, str]:
    """The first score that ranks, at each step of each cell, by the key of the cell's picture."""
    column = next((each for each in results.columns if each.better is not None), None)
    if column is None:
        return {}
    return {
        frame_key(cell.name, int(row["step"] or 0)): f"{column.label} {number(value, column)}"
        + unit(column)
        for cell in results.cells
        for row in cell.rows
        if (value := row.get(column.name)) is not None
    }


def weights_seen(weights: Mapping[str, NDArray[np.float64]]) -> str:
    """What histograms of weights show, group by group."""
    shares = {label: outer_share(shown_weights(own)) for label, own in weights.items()}
    return "; ".join(f"{label}: {share:.0%} in the outer bins" for label, share in shares.items())


def spread_words(results: Results) -> str:
    """What the curves show of several seeds."""
    if len(results.seeds) == 1:
        return "One seed of each."
    if len(results.seeds) <= SEEDS_WITH_LINES:
        return "Thick lines are means over seeds, thin ones single seeds."
    return "Lines are means over seeds, bands the bootstrap of these means (95 percent)."


def uncompiled_words(results: Results) -> str:
    """In how many cells steps were not compiled though that was asked for, and why; else empty."""
    found = [cell for cell in results.cells if cell.uncompiled]
    if not found:
        return ""
    return f"in {len(found)} of {counted(len(results.cells), 'cell')}: {found[0].uncompiled[0]}"


def protocol_words(
    spec: ExperimentSpec, results: Results, but: Container[str] = ()
) -> dict[str, str]:
    """How it was measured, under a heading each, leaving out headings that stand elsewhere."""
    sizes = sorted({cell.preset.schedule.batch_size for cell in spec.cells})
    lengths = sorted({cell.steps for cell in spec.cells})
    devices = sorted({cell.settings.device for cell in spec.cells})
    compiled = any(cell.settings.compiled for cell in spec.cells)
    return {
        **{heading: text for heading, text in results.protocol.items() if heading not in but},
        "columns": INTERVAL_WORDS,
        "seeds": ", ".join(map(str, results.seeds)),
        "schedule": f"{', '.join(f'{length:,}' for length in lengths)} steps of batches of "
        f"{', '.join(map(str, sizes))}; every cell on one thread of {', '.join(devices)}"
        + (", compiled where that agrees" if compiled else "")
        + (f"; {uncompiled}" if (uncompiled := uncompiled_words(results)) else ""),
        "versions": ", ".join(f"{name} {version}" for name, version in results.versions.items()),
        "made": f"{results.made} on {results.machine}",
    }


def notes_of(experiment: Experiment) -> list[str]:
    """What the experiment's owner wants the page to say, paragraph by paragraph."""
    try:
        text = experiment.notes_file.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return []
    return [line for line in text.splitlines() if line.strip()]
