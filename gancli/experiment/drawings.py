"""Draws what a report shows: tables of samples, traversals, interpolations, films and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gancli.evaluation.collapse import NOT_YET
from gancli.experiment.axes import in_words
from gancli.experiment.file import PictureTable
from gancli.experiment.layout import GroupPanel, SeedGroup, panels_of
from gancli.experiment.of_checkpoints import Strips, strips_of
from gancli.experiment.picture_store import PictureStore
from gancli.experiment.results import CellResult, Column, Results
from gancli.experiment.spec import CellSpec, ExperimentSpec, group_name
from gancli.experiment.view import CLASS, STEP, Drawing
from gancli.html import thinned

MOST_PICTURES = 800
"""Of a table of samples: beyond it, steps are left out, and then seeds."""
MOST_PIXELS = 200_000_000
"""Of all pictures of such a table."""
ROW_OF_IMAGES = 5
"""Images side by side in a picture."""
MOST_STOPS = 24
"""Steps of a slider."""
SHOWN_STEPS = 6
"""Pictures side by side, where nothing says which."""
END = "the end"
MADE_TITLES = {
    "by class": "Samples by class",
    "traverse": "Along the axes of the latents",
    "interpolation": "Between two latents",
}
MADE_WORDS = {
    "traverse": ("One row per seed; what else the latent holds stays.",),
    "interpolation": (
        "Row j goes on a straight line from latent j + rows, on the left, to latent j, on the "
        "right, all of the class of j.",
    ),
}


class Shots(NamedTuple):
    """The pictures of one cell in one place."""

    keys: Sequence[str | None]
    """one per stop of the slider; None: there is none"""
    mark: str = ""
    """what became of the cell, if that is not that it is done"""


@dataclass(frozen=True)
class PicturePlace:
    """A place in a table of pictures."""

    name: str
    """whose pictures these are, in words"""
    heading: str
    """what it shows, in its row"""
    shots: Mapping[int, Shots]
    """by seed"""


@dataclass(frozen=True)
class DrawnPanel:
    """A table of pictures."""

    title: str
    stops: Sequence[str]
    """of its slider; one: it has none"""
    headings: Sequence[str]
    """one per column; empty: the places of a row have their own"""
    rows: Sequence[tuple[str, Sequence[PicturePlace | None]]]
    seeds: Sequence[int]


@dataclass(frozen=True)
class DrawnTable:
    """The tables of a drawing."""

    drawing: Drawing
    title: str
    panels: Sequence[DrawnPanel]
    words: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True)
class Artist:
    """Draws tables of pictures, all of one experiment."""

    spec: ExperimentSpec
    results: Mapping[str, CellResult]
    """by the name of the cell"""
    ranked_by: Column | None
    """the first score that ranks; None: none does"""
    store: PictureStore

    @classmethod
    def of(cls, spec: ExperimentSpec, results: Results, store: PictureStore) -> "Artist":
        """Of these results."""
        ranked_by = next((each for each in results.columns if each.better is not None), None)
        return cls(spec, {cell.name: cell for cell in results.cells}, ranked_by, store)

    def draw(self, drawing: Drawing) -> DrawnTable:
        """A table of samples, of traversals, or of interpolations."""
        table = drawing.table
        panels = panels_of(table, self.spec)
        if table.kind != "samples" or table.has_columns_of(CLASS):
            return self._of_checkpoints(drawing, panels)
        groups = sum(len(panel.groups()) for panel in panels)
        most = self._most_pictures()
        seeds = self.spec.seeds[: max(1, most // max(1, groups))]
        words = [] if len(seeds) == len(self.spec.seeds) else [f"The first {len(seeds)} seeds."]
        if table.at == "best":
            words.append(
                "Each cell at its last picture up to the step where its first score was best."
            )
        stops = max(1, min(MOST_STOPS, most // max(1, groups * len(seeds))))
        drawn = [
            self._step_by_step(table, panel, seeds)
            if table.has_columns_of(STEP)
            else self._with_slider(table, panel, seeds, stops)
            for panel in panels
        ]
        title = "Samples, step by step" if table.has_columns_of(STEP) else "Samples"
        return DrawnTable(drawing, title, drawn, words)

    def _most_pictures(self) -> int:
        """Of a table; fewer where images are large, as all of them are held at the same time."""
        sides = [max(cell.preset.data.shape.x) for cell in self.spec.cells]
        pixels = (ROW_OF_IMAGES * max(sides, default=1)) ** 2
        return max(1, min(MOST_PICTURES, MOST_PIXELS // pixels))

    def _with_slider(
        self, table: PictureTable, panel: GroupPanel, seeds: Sequence[int], most: int
    ) -> DrawnPanel:
        stops = self._stops(table, panel, most)
        ends = {self._last(cell) for cell in self._going_on(panel)}
        called = [f"step {step:,}" for step in stops]
        if table.at == "best" or len(ends) > 1:
            called[-1] = "best" if table.at == "best" else END

        def place(group: SeedGroup | None, column: int) -> PicturePlace | None:
            if group is None:
                return None
            own = {cell.settings.seed: cell for cell in group}
            heading = panel.headings[column] if panel.headings else ""
            shots = {seed: self._shots(table, own[seed], stops) for seed in seeds if seed in own}
            return PicturePlace(label_of_group(group), heading, shots)

        rows = [
            (label, [place(group, column) for column, group in enumerate(row)])
            for label, row in panel.rows
        ]
        return DrawnPanel(panel.title, called, panel.headings or [""], rows, seeds)

    def _shots(self, table: PictureTable, cell: CellSpec, stops: Sequence[int]) -> Shots:
        """At each stop the last picture up to it: a cell that diverged keeps its last one."""
        result = self.results[cell.name]
        if table.at == "best":
            best = best_step(result, self.ranked_by)
            return Shots([self._nearest(cell, best)], mark_of(result))
        return Shots([self._nearest(cell, stop) for stop in stops], mark_of(result))

    def _nearest(self, cell: CellSpec, step: int) -> str | None:
        before = [each for each in self._framed(cell) if each <= step]
        return self.store.frame(cell, before[-1]) if before else None

    def _stops(self, table: PictureTable, panel: GroupPanel, most: int) -> list[int]:
        """The steps of which all cells have pictures that trained so far, and the very last."""
        cells = [group[0] for group in panel.groups()]
        end = max((self._last(cell) for cell in cells), default=0)
        if table.at == "best":
            return [end]
        framed = [set(self._framed(cell)) for cell in self._going_on(panel)]
        common = set.intersection(*framed) if framed else set()
        wanted = {step for cell in cells for step in table.steps_of(cell.labels)}
        shown = sorted({*((common & wanted) if common & wanted else common), end})
        return thinned(shown, most) if most > 1 else [end]

    def _going_on(self, panel: GroupPanel) -> list[CellSpec]:
        """The first seed's cells that did not fail; where all did, all."""
        cells = [group[0] for group in panel.groups()]
        return [cell for cell in cells if self.results[cell.name].state != "failed"] or cells

    def _step_by_step(
        self, table: PictureTable, panel: GroupPanel, seeds: Sequence[int]
    ) -> DrawnPanel:
        rows = []
        for label, (group, *_) in panel.rows:
            if group is not None:
                rows.append((label, self._row_of_steps(table, group, seeds)))
        return DrawnPanel(panel.title, [""], (), rows, seeds)

    def _row_of_steps(
        self, table: PictureTable, group: SeedGroup, seeds: Sequence[int]
    ) -> list[PicturePlace | None]:
        """A group at several steps; what became of a cell stands at the last of them."""
        own = {cell.settings.seed: cell for cell in group}
        steps = self._shown_steps(table, group[0])
        return [
            PicturePlace(
                label_of_group(group),
                f"step {step:,}",
                {
                    seed: Shots(
                        [self.store.frame(own[seed], step)],
                        mark_of(self.results[own[seed].name]) if step == steps[-1] else "",
                    )
                    for seed in seeds
                    if seed in own
                },
            )
            for step in steps
        ]

    def _shown_steps(self, table: PictureTable, cell: CellSpec) -> list[int]:
        wanted = [step for step in table.steps_of(cell.labels) if step <= cell.steps]
        arena = self.store.book.arena_if_counted(cell)
        usual = cell.frames or (arena.shown_in(cell.steps) if arena else [])
        return wanted or usual or thinned(self._framed(cell), SHOWN_STEPS) or [cell.steps]

    def _of_checkpoints(self, drawing: Drawing, panels: Sequence[GroupPanel]) -> DrawnTable:
        """What checkpoints make: classes side by side, or a table per axis of the latents."""
        drawn: list[DrawnPanel] = []
        for panel in panels:
            strips = {
                group[0].name: strips_of(drawing.table, group[0], self.store)
                for group in panel.groups()
            }
            if drawing.table.has_columns_of(CLASS):
                drawn.append(self._by_class(panel, strips))
            else:
                drawn += self._by_strip(panel, strips)
        kind = "by class" if drawing.table.has_columns_of(CLASS) else drawing.table.kind
        which = "best" if drawing.table.at == "best" else "last"
        words = [f"Made by the {which} checkpoint of each cell, seed {self.spec.seeds[0]}."]
        return DrawnTable(drawing, MADE_TITLES[kind], drawn, [*words, *MADE_WORDS.get(kind, ())])

    def _by_class(self, panel: GroupPanel, strips: Mapping[str, Strips]) -> DrawnPanel:
        rows = [
            (label, self._class_places(group, strips[group[0].name]))
            for label, row in panel.rows
            for group in row
            if group is not None
        ]
        return DrawnPanel(panel.title, [""], (), rows, self.spec.seeds[:1])

    def _class_places(self, group: SeedGroup, strips: Strips) -> list[PicturePlace | None]:
        pictures: dict[str, str | None] = {**strips.pictures} or {"": None}
        return [
            PicturePlace(
                label_of_group(group), name, {group[0].settings.seed: Shots([key], strips.mark)}
            )
            for name, key in pictures.items()
        ]

    def _by_strip(self, panel: GroupPanel, strips: Mapping[str, Strips]) -> list[DrawnPanel]:
        names = dict.fromkeys(name for own in strips.values() for name in own.pictures) or [""]

        def place(group: SeedGroup | None, column: int, name: str) -> PicturePlace | None:
            if group is None:
                return None
            own = strips[group[0].name]
            mark = own.mark or mark_of(self.results[group[0].name])
            heading = panel.headings[column] if panel.headings else ""
            shots = {group[0].settings.seed: Shots([own.pictures.get(name)], mark)}
            return PicturePlace(label_of_group(group), heading, shots)

        return [
            DrawnPanel(
                ": ".join(filter(None, [panel.title, name])),
                [""],
                panel.headings or [""],
                [
                    (label, [place(group, column, name) for column, group in enumerate(row)])
                    for label, row in panel.rows
                ],
                self.spec.seeds[:1],
            )
            for name in names
        ]

    def _framed(self, cell: CellSpec) -> list[int]:
        return self.store.experiment.cell(cell.name).framed_steps()

    def _last(self, cell: CellSpec) -> int:
        return max(self._framed(cell), default=0)


def label_of_group(group: SeedGroup) -> str:
    """What a group is called."""
    labels = group[0].labels
    return in_words(labels) if labels and not group[0].is_outside else group_name(group[0])


def mark_of(result: CellResult) -> str:
    """What became of a cell, where it did not end well; empty: it did."""
    if result.diverged_step is not None:
        return f"diverged at step {result.diverged_step:,}"
    if result.state == "failed":
        return "failed"
    if result.collapse_step == NOT_YET:
        return "never held over half the modes"
    if result.collapse_step is not None:
        return f"collapsed at step {result.collapse_step:,}"
    return "" if result.state == "done" else "not done yet"


def best_step(result: CellResult, by: Column | None) -> int:
    """The step at which a score was best; the last one, where nothing ranks or it was not had."""
    known = [row for row in result.rows if by is not None and row.get(by.name) is not None]
    if by is None or not known:
        return result.steps
    sign = 1 if by.better == "higher" else -1
    return int(max(known, key=lambda row: sign * (row[by.name] or 0.0))["step"] or 0)
