"""What is told of a name as a whole: its page, and for a model the settings in force."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from gancli import catalog
from gancli.catalog.fields import NOT_SET, field_text, trained_leaves
from gancli.catalog.fit_to_images import UserImages
from gancli.catalog.merge import OPTIONAL_PLAYER, PLAYERS, TAGS
from gancli.catalog.preset_files import REFERENCE, is_file
from gancli.explanations.pages import common_reasons, model_page
from gancli.objective.turn_settings import SIDES
from gancli.pasteable import command
from gancli.plurals import counted
from gancli.preset import Preset, load_preset
from gancli.printable import printable
from gancli.settings import Settings

SYMBOLS = "`r = D(x)`, `f = D(G(z))`, `sp = softplus`; means run over the batch."
OF_THE_DATA = "data."
"""Fields of the data are named only where a page says why they are set so."""


def explained_model(
    model: str, dataset: str | UserImages | None = None, variant: str | None = None
) -> str:
    """What a model is, its losses, and each setting with its reason, in Markdown.

    Args:
        model: a model's name or a preset file.
        dataset: a data set's name, or a user's images; None: the first of the model's.
        variant: one of the model's; None: the reference.

    Raises:
        UsageError: anything unknown.
    """
    if dataset is None and not is_file(model):
        dataset = catalog.preset_file(model).datasets[0]
    preset = load_preset(model, dataset, variant)
    page = model_page(preset.name)
    head = page.text if page else _head(preset)
    own = page.reasons if page else {}
    return "\n".join([head, *_step(preset), "", *_settings(preset, own), "", *_more(preset)])


def _head(preset: Preset) -> str:
    """What a preset says of itself."""
    said = [f"# {preset.name}", preset.summary, preset.paper, preset.source or ""]
    return "\n\n".join(printable(each) for each in said if each) + "\n"


def _step(preset: Preset) -> Iterator[str]:
    """The turns of a step, and the equations of their terms as they will run."""
    yield f"## A step on {_where(preset)}\n"
    objective = preset.objective
    held = [f"- `{one.equation()}`" for one in objective.constraints().values()]
    for side in preset.turns.order:
        lines = [
            f"- `{name}`{'' if term.weight == 1 else f' times {term.weight:g}'}: "
            f"`{term.equation(side)}`"
            for name, term in objective.terms_of(side).items()
        ]
        times = preset.schedule.discriminator_steps if side == SIDES[0] else 1
        often = f", {counted(times, 'time')} per step" if times > 1 else ""
        if lines:
            yield f"The {'turn of both' if side == SIDES[2] else f'{side} descends'}{often}:\n"
            yield from [*lines, *(held if side == SIDES[0] else []), ""]
    yield SYMBOLS


def _where(preset: Preset) -> str:
    variant = "" if preset.variant == REFERENCE else f", variant {preset.variant}"
    return f"{printable(preset.dataset)}{variant}"


def _settings(preset: Preset, own: Mapping[str, str]) -> Iterator[str]:
    """A line per field that is not as in every preset, or that a page has something to say of."""
    yield f"## The settings on {_where(preset)}, and why\n"
    said = {path: str(each) for path, each in preset.deviations_in_force().items()}
    trained = trained_leaves(preset.model_dump(mode="json"))
    told: set[str] = set()
    for path, meaning, is_usual in _fields(preset, ""):
        if path not in trained:
            continue
        value = trained[path]
        twins = [twin for twin in _of_each_player(path, trained) if trained[twin] == value]
        together = len(twins) == len(_of_each_player(path, trained)) > 1
        name = path.partition(".")[2] if together else path
        why = _reason(path, value, own)
        listed = path in said or why or not is_usual
        if name in told or not listed or (path.startswith(OF_THE_DATA) and not why):
            continue
        told.add(name)
        shown = printable(f"{name} = {NOT_SET if value is None else field_text(value)}")
        words = "; ".join(filter(None, [why or meaning, said.get(path)]))
        yield f"- `{shown}`: {printable(' '.join(words.split()).rstrip('.'))}."


def _fields(table: BaseModel, path: str) -> Iterator[tuple[str, str, bool]]:
    """Each field's path, meaning, and whether it has the value it has unless a preset says more."""
    meanings = type(table).meanings() if isinstance(table, Settings) else {}
    for name, value in table:
        if isinstance(value, BaseModel):
            yield from _fields(value, f"{path}{name}.")
        elif (info := type(table).model_fields.get(name)) is not None:
            is_usual = name not in TAGS and not info.is_required() and value == info.get_default()
            meaning = meanings.get(name, "")
            yield f"{path}{name}", meaning, is_usual or value is None


def _of_each_player(path: str, trained: Mapping[str, Any]) -> list[str]:
    """The same field of all players that have it."""
    player, _, rest = path.partition(".")
    players = (*PLAYERS, OPTIONAL_PLAYER)
    return [f"{p}.{rest}" for p in players if f"{p}.{rest}" in trained] if player in players else []


def _names(path: str) -> list[str]:
    """The field's path, and what it is called where it is that of all players."""
    player, _, rest = path.partition(".")
    return [path, rest] if player in (*PLAYERS, OPTIONAL_PLAYER) else [path]


def _reason(path: str, value: object, own: Mapping[str, str]) -> str | None:
    """Why a field has its value: as the model's page says, or else the page of all models."""
    shown = field_text(value)
    keys = [key for name in _names(path) for key in (f"{name}={shown}", name)]
    known = (reasons[key] for reasons in (own, common_reasons()) for key in keys if key in reasons)
    return next(known, None)


def _more(preset: Preset) -> Iterator[str]:
    """Where the rest is told."""
    yield "## More\n"
    if preset.name not in catalog.model_names():
        return
    file = catalog.preset_file(preset.name)
    datasets = ", ".join(file.datasets)
    yield f"- Data sets: {datasets} (`{command('explain', file.name, '--dataset', 'NAME')}`)."
    yield f"- Variants and published scores: `{command('presets', file.name)}`."
    if preset.dataset in file.datasets:
        words = ("train", file.name, "--dataset", preset.dataset, "--dry-run", "--full")
        yield f"- Networks, and every field: `{command(*words)}`."
