"""What changes while it is shown: in a terminal or in a notebook's cell, where it stands."""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live

from gancli.report.console import is_watched

REFRESHES_PER_SECOND = 2
WIDTH_IN_NOTEBOOK = 100
"""Characters of a line."""
_PAGE = (
    '<pre style="white-space:pre;overflow-x:auto;line-height:normal;'
    "font-family:Menlo,'DejaVu Sans Mono',consolas,'Courier New',monospace\">{code}</pre>"
)


def shows_changes(console: Console) -> bool:
    """Whether what is printed can change afterwards."""
    return is_watched(console) or console.is_jupyter


@contextmanager
def in_place(
    console: Console, render: Callable[[], RenderableType]
) -> Iterator[Callable[[], None]]:
    """Show what `render` returns, again and again; yields a function to call when it changes.

    Args:
        console: where; one that `shows_changes`.
        render: what to show now.
    """
    if console.is_jupyter:
        cell = _Cell(render)
        try:
            yield cell.refresh
        finally:
            cell.show()
        return
    with Live(get_renderable=render, console=console, refresh_per_second=REFRESHES_PER_SECOND):
        # A thread of its own looks for changes.
        yield lambda: None


class _Cell:
    """An output of a notebook's cell; rich's own would need ipywidgets and leave no output."""

    def __init__(self, render: Callable[[], RenderableType]) -> None:
        from IPython.display import display

        self._render = render
        self._shown = time.monotonic()
        self._output = display(self._mime(), raw=True, display_id=True)

    def refresh(self) -> None:
        """Show what there is now, unless it was shown a moment ago."""
        if time.monotonic() - self._shown >= 1 / REFRESHES_PER_SECOND:
            self.show()

    def show(self) -> None:
        """Show what there is now."""
        self._shown = time.monotonic()
        self._output.update(self._mime(), raw=True)

    def _mime(self) -> dict[str, str]:
        page = Console(
            file=io.StringIO(), record=True, width=WIDTH_IN_NOTEBOOK, force_jupyter=False
        )
        page.print(self._render())
        return {
            "text/plain": page.export_text(clear=False),
            "text/html": page.export_html(inline_styles=True, code_format=_PAGE),
        }
