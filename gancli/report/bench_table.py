"""`gan bench`: the figures as a table, or a line each."""

from rich.table import Table

from gancli.bench.choices import LITE
from gancli.bench.loading import LoadingFigures
from gancli.bench.loops import COMPILED, FASTEST, OURS, TEXTBOOK
from gancli.bench.sampling import SampleTiming
from gancli.bench.scoring import ScoreTiming
from gancli.bench.training import Figures
from gancli.experiment.timing import PairTiming
from gancli.pasteable import named
from gancli.plurals import counted, duration
from gancli.preset import Preset
from gancli.report.console import console, say

TO_PLAIN, TO_BEST, MEMORY_TO_BEST = 1.0, 1.05, 1.1
"""What ours may take at most, in units of the other loops."""
REPORTING_SHARE, GAUGE_SHARE = 0.02, 0.01
STARTUP_SECONDS = 4.0
THROUGHPUT = 1.5
"""What the extractor does at least, in units of torch-fidelity's own forward."""
ALL_TO_FID, DISTANCE_TO_FIDELITY, INTRA_TO_FIDELITY = 1.1, 0.75, 7.5
SCORES_GIB = 4.0
SAMPLE_LIMIT = 1.15
"""Images reach a folder in at most this part of the time that their generation or their saving
takes alone, whichever is longer."""
SECOND_RUN_SECONDS, STREAMED_LIMIT = 2.0, 1.1
PAIR_LIMIT = 0.6
"""Two cells at once take at most this part of the same two in turn."""
EXPLAINED = {
    OURS: named("train"),
    TEXTBOOK: "the textbook's",
    FASTEST: "fastest by hand",
    COMPILED: named("train", "--compile"),
}
_HEADING = (
    f"{'model':<12}{'data set':<9}{'variant':<11}{'ours':>9}{'plain':>9}{'best':>9}"
    f"{'/plain':>9}{'/best':>9}{'memory':>9}{'health':>9}{'reports':>9}{'start':>8}"
)


def print_figures(figures: Figures) -> None:
    """One preset, in full."""
    table = Table("loop", title=_title(figures), title_justify="left")
    for heading in ("ms/step", "fastest", "samples/s", "GFLOP/s", "of peak", "memory"):
        table.add_column(heading, justify="right")
    for name, loop in figures.loops.items():
        table.add_row(
            f"{name}: {EXPLAINED[name]}",
            f"{loop.median_ms:,.1f}",
            f"{loop.min_ms:,.1f}",
            f"{loop.images_per_s:,.0f}",
            f"{loop.flops_per_s / 1e9:,.1f}",
            f"{loop.share_of_peak:.0%}",
            f"{loop.memory_bytes / 1e6:,.0f} MB",
        )
    console().print(table, soft_wrap=False)
    say(f"ours / plain: {_judged(figures.to_plain, TO_PLAIN)}")
    say(f"ours / best:  {_judged(figures.to_best, TO_BEST)}")
    if figures.compiled_to_ours is not None:
        say(f"compiled / ours: {figures.compiled_to_ours:.3g}")
    say(f"memory / best: {_judged(figures.memory_to_best, MEMORY_TO_BEST)}")
    say(
        f"measures of health, of one step in {figures.log_every:,}: "
        f"{_judged(100 * figures.gauge_share, 100 * GAUGE_SHARE, ' %')} of the steps' time"
    )
    say(
        f"looks at samples, one in {figures.looks_every:,} steps: "
        f"{_judged(100 * figures.look_share, 100 * GAUGE_SHARE, ' %')} of the steps' time"
    )
    say(
        f"display, logs, previews, checkpoints, report: "
        f"{_judged(100 * figures.reporting_share, 100 * REPORTING_SHARE, ' %')} of a run"
    )
    say(f"from typing to the first step: {_judged(figures.startup_s, STARTUP_SECONDS, ' s')}")
    say(f"one step: {figures.flops_per_step / 1e9:,.3g} GFLOP (torch's counter)")
    say(f"matrix-product peak of this call: {figures.matmul_peak / 1e9:,.0f} GFLOP/s")
    say(f"the whole schedule: {duration(figures.schedule_s)} (estimated from the median)")


def print_line(figures: Figures, *, with_heading: bool) -> None:
    """One preset as a line of a long table; `!` marks what is over its limit."""
    if with_heading:
        say(_HEADING)
    loops = figures.loops
    milliseconds = "".join(f"{loops[name].median_ms:>9.1f}" for name in (OURS, TEXTBOOK, FASTEST))
    health = figures.gauge_share + figures.look_share
    rates = (
        (f"{figures.to_plain:.2f}", figures.to_plain > TO_PLAIN),
        (f"{figures.to_best:.2f}", figures.to_best > TO_BEST),
        (f"{figures.memory_to_best:.2f}", figures.memory_to_best > MEMORY_TO_BEST),
        (f"{health:.2%}", health > GAUGE_SHARE),
        (f"{figures.reporting_share:.1%}", figures.reporting_share > REPORTING_SHARE),
    )
    marked = "".join(f"{text + ('!' if over else ' '):>9}" for text, over in rates)
    start = f"{figures.startup_s:.1f} s" + ("!" if figures.startup_s > STARTUP_SECONDS else " ")
    named = f"{figures.model:<12}{figures.dataset:<9}{figures.variant:<11}"
    say(f"{named}{milliseconds}{marked}{start:>8}")


def print_score_timing(found: ScoreTiming) -> None:
    """Scoring, measurement by measurement."""
    say(
        f"Inception at {found.images_per_s:.1f} images/s, torch-fidelity's own forward at "
        f"{found.bare_images_per_s:.1f}: {found.throughput:.3f} "
        f"({'within' if found.throughput >= THROUGHPUT else 'UNDER'} {THROUGHPUT:g})"
    )
    say(
        f"{found.count:,} images, the reference's statistics known: FID alone {found.fid_s:.1f} s, "
        f"{', '.join(found.metrics)} {found.all_s:.1f} s: "
        f"{_judged(found.all_to_fid, ALL_TO_FID)}"
    )
    say(
        f"distance of 2,048 features: {found.distance_s:.2f} s, torch-fidelity's "
        f"{found.fidelity_distance_s:.2f} s: "
        f"{_judged(found.distance_to_fidelity, DISTANCE_TO_FIDELITY)}; ten classes / "
        f"torch-fidelity's one: {_judged(found.intra_to_fidelity, INTRA_TO_FIDELITY)}"
    )
    say(
        f"memory of all metrics of {found.memory_count:,} made-up images: "
        f"{_judged(found.memory_gib, SCORES_GIB, ' GiB')}"
    )


def print_sampling(found: SampleTiming, preset: Preset, count: int, rounds: int) -> None:
    """Writing samples, compared with generating or saving them alone."""
    say(f"{count:,} images of {preset.name} on {preset.dataset}, {LITE}; medians of {rounds}")
    say(
        f"into a folder: {found.ours_s:.2f} s; generating alone: {found.generate_s:.2f} s; saving "
        f"alone, a bare loop of Pillow's: {found.pillow_s:.2f} s"
    )
    held = "within" if found.ratio <= SAMPLE_LIMIT else "OVER"
    say(f"into a folder / the longer of the two: {found.ratio:.2f} ({held} {SAMPLE_LIMIT:g})")


def print_loading(found: LoadingFigures) -> None:
    """Reading images, and steps on them."""
    say(f"{found.path}: {found.images:,} images to {found.size}x{found.size}")
    say(f"first run:  {found.first_run_s:.2f} s, {found.first_run_images_per_s:,.0f} images/s")
    ready = "within" if found.second_run_s <= SECOND_RUN_SECONDS else "OVER"
    say(f"second run: {found.second_run_s:.2f} s ({ready} {SECOND_RUN_SECONDS:g} s)")
    say(
        f"a step: {found.resident_step_ms:.1f} ms with the data on the device, "
        f"{found.streamed_step_ms:.1f} ms with a loader"
    )
    held = "within" if found.streamed_to_resident <= STREAMED_LIMIT else "OVER"
    say(f"loader / resident: {found.streamed_to_resident:.3f} ({held} {STREAMED_LIMIT:g})")


def print_pair(found: PairTiming, preset: Preset, steps: int) -> None:
    """Two cells of a study, at once and in turn."""
    say(f"two cells of {preset.name} on {preset.dataset}, {steps:,} steps, one thread each")
    say(f"at once: {found.at_once_s:.1f} s; in turn: {found.in_turn_s:.1f} s")
    held = "within" if found.ratio <= PAIR_LIMIT else "OVER"
    say(f"at once / in turn: {found.ratio:.3f} ({held} {PAIR_LIMIT:g})")


def _title(figures: Figures) -> str:
    settings = figures.settings
    return (
        f"{figures.model} on {figures.dataset}, variant {figures.variant}: {settings.device}, "
        f"{counted(settings.threads, 'thread')}, ours in {settings.precision}; "
        f"{counted(figures.rounds, 'round')} of each"
    )


def _judged(value: float, limit: float, unit: str = "") -> str:
    word = "within" if value <= limit else "OVER"
    return f"{value:.3g}{unit} ({word} {limit:g}{unit})"
