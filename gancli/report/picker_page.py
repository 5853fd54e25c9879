"""The page of `gan sample --pick`: numbered samples, of which favourites are clicked."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gancli.errors import UsageError
from gancli.html import data_uri, page_bytes, template
from gancli.pasteable import command
from gancli.pictures import displayed, encoded, png
from gancli.sampler import Sampler, Samples
from gancli.sheets import shown_class

PICKER_BYTES = 30_000_000
"""Most characters of a page's pictures; phones show no larger page with ease."""
THUMBNAIL_SIDE = 128
"""Pixels of a picture's side, at most; larger images are made smaller."""
PNG_SIDE = 64
"""Up to this side pictures keep every pixel; larger ones are JPEGs."""
THUMBNAIL_QUALITY = 90


class PickerCommands(NamedTuple):
    """The words of commands that the page completes, each without `gan`."""

    sample: Sequence[object]
    """before `--classes` and `--seeds`"""
    walk: Sequence[object]
    """before `--label` and `--through`"""


class PickerChoice(NamedTuple):
    """One picture that may be clicked."""

    key: str
    """by which the address of the page names it"""
    seed: int
    words: str
    """seed and class"""
    source: str
    """a data URI"""


class ChoiceGroup(NamedTuple):
    """The pictures whose seeds go into one command."""

    name: str
    """of the class; empty: it does not go by class"""
    sample: str
    """a command, before the seeds"""
    walk: str
    choices: Sequence[PickerChoice]


class Picker:
    """Keeps a small picture of each sample, and makes the page.

    Args:
        sampler: of the samples.
        seeds: of each class.
        labels: the classes; [None]: it does not go by class.
        commands: which the page completes.
    """

    def __init__(
        self,
        sampler: Sampler,
        seeds: Sequence[int],
        labels: Sequence[int | None],
        commands: PickerCommands,
    ) -> None:
        self.sampler, self.seeds, self.labels, self.commands = sampler, seeds, labels, commands
        self._sources: dict[int | None, list[str]] = {label: [] for label in labels}
        self._size = 0

    def keeping(self, batches: Iterator[Samples], label: int | None) -> Iterator[Samples]:
        """The batches of a class, while their pictures are made.

        Raises:
            UsageError: the pictures are too large for a page.
        """
        for batch in batches:
            for image in batch:
                source = _thumbnail(image)
                self._size += len(source)
                self._refuse_if_too_large()
                self._sources[label].append(source)
            yield batch

    def page(self, step: int) -> bytes:
        """The page, in UTF-8; `step` is that of the checkpoint."""
        preset, shape = self.sampler.preset, self.sampler.preset.data.shape.x
        page = template("gancli.report", "picker.html.jinja").render(
            preset=preset,
            step=step,
            groups=[self._group(label) for label in self.labels],
            count=sum(map(len, self._sources.values())),
            unit=self.sampler.unit,
            pixelated=max(shape[1:]) <= PNG_SIDE,
        )
        return page_bytes(page)

    def _group(self, label: int | None) -> ChoiceGroup:
        names = self.sampler.preset.data.class_names
        own = self.sampler.labels(self.seeds, label)
        sample, walk = list(self.commands.sample), list(self.commands.walk)
        name = ""
        if label is not None:
            name = shown_class(names, label)
            sample += ["--classes", name]
            walk += ["--label", name]
        choices = []
        for place, (seed, source) in enumerate(zip(self.seeds, self._sources[label], strict=True)):
            said = "" if own is None else f" · {shown_class(names, int(own[place]))}"
            key = str(seed) if label is None else f"{label}.{seed}"
            choices.append(PickerChoice(key, seed, f"{seed}{said}", source))
        return ChoiceGroup(name, command(*sample), command(*walk), choices)

    def _refuse_if_too_large(self) -> None:
        if self._size > PICKER_BYTES:
            fitting = sum(map(len, self._sources.values()))
            raise UsageError(
                f"--pick makes a page of at most {PICKER_BYTES // 1_000_000} MB, which holds "
                f"{fitting:,} of these images: ask for fewer, e.g. --count {fitting // 2}"
            )


def _thumbnail(image: Samples) -> str:
    shown = displayed(image)
    side = max(shown.size)
    if side <= PNG_SIDE:
        return data_uri(png(shown))
    small = shown.reduce(-(-side // THUMBNAIL_SIDE))
    return data_uri(encoded(small, {"format": "jpeg", "quality": THUMBNAIL_QUALITY}), "jpeg")
