"""`gan import`."""

from dataclasses import dataclass, field
from pathlib import Path

from gancli.folders import expanded
from gancli.hub import downloaded, is_on_hub
from gancli.importing.fit import PresetWords
from gancli.importing.import_run import RunPlace, import_run
from gancli.pasteable import command
from gancli.plurals import counted
from gancli.report.console import say
from gancli.user_images import ImageChoices, choose


@dataclass(frozen=True)
class ImportRequest:
    """The arguments and options of `gan import`."""

    file: str
    model: str
    dataset: str | None
    variant: str | None
    overrides: tuple[str, ...]
    data_dir: Path | None = None
    images: ImageChoices = field(default_factory=ImageChoices)
    place: RunPlace = field(default_factory=RunPlace)

    def again(self, file: str) -> str:
        """The command that imports another file in the same way."""
        words: list[object] = ["import", file, "--as", self.model]
        options = {"--dataset": self.dataset, "--variant": self.variant, "--out": self.place.out}
        words += [word for name, said in options.items() if said for word in (name, said)]
        return command(*words, *(w for said in self.overrides for w in ("--set", said)))


def import_(request: ImportRequest) -> None:
    """Make a run of another program's checkpoint.

    Raises:
        GanError: it cannot be had or read, or does not fit the preset.
    """
    data = choose(request.dataset, request.images, request.data_dir, request.model, say)
    words = PresetWords(
        request.model, data, request.variant, request.images, request.overrides, request.data_dir
    )
    if is_on_hub(request.file):
        name = request.file
        path = downloaded(name, instead=request.again("PATH"))
    else:
        path = Path(expanded(request.file))
        name = path.name or str(path.resolve().name)
    made = import_run(path, name, words, request.place)
    say(
        f"imported {name}, of {made.source}, as {made.preset.name} on {made.preset.dataset} "
        f"({made.preset.variant}), after {counted(made.step, 'step')}"
    )
    if made.changes:
        say(f"its files say:  {'; '.join(made.changes)}")
    for remark in made.remarks:
        say(f"note: {remark}")
    say(f"run:     {made.run.folder}")
    say(f"sample:  {command('sample', made.run.folder)}")
    say(f"train:   {command('resume', made.run.folder)}")
