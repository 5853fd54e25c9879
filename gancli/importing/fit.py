"""The preset of imported networks: the one that is named, with what the files say otherwise."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor

from gancli import catalog
from gancli.catalog.fields import leaves
from gancli.catalog.fit_to_images import UserImages
from gancli.errors import RunError, UsageError
from gancli.importing.layout import DISCRIMINATOR, GENERATOR, RECONSTRUCTOR
from gancli.importing.read_files import SavedOptimizer, SourceFiles
from gancli.importing.recognise import Recognised
from gancli.networks import DISCRIMINATORS, GENERATORS, RECONSTRUCTORS
from gancli.networks.by_shapes import Fields, family_of, fields_of_net, prior_fields
from gancli.networks.spec import NetworkSpec
from gancli.preset import Preset
from gancli.state import build_players
from gancli.tally import Tensors
from gancli.typed_preset import preset_as_typed
from gancli.user_images import ImageChoices

_CONDITION = "condition"
"""How labels enter is the model's, and not told by shapes alone."""
_FAMILIES: Mapping[str, Mapping[str, type[NetworkSpec]]] = {
    GENERATOR: GENERATORS,
    DISCRIMINATOR: DISCRIMINATORS,
    RECONSTRUCTOR: RECONSTRUCTORS,
}
_FAMILY_COST = 100
_SETTINGS = {"adam": ("betas", "eps"), "rmsprop": ("alpha", "eps"), "sgd": ("momentum",)}
"""Of optimisers, as torch calls them and we do; the first tells an optimiser's kind."""


@dataclass(frozen=True)
class PresetWords:
    """The words of a command line that describe a preset."""

    model: str
    data: str | UserImages | None
    variant: str | None
    images: ImageChoices
    changes: Sequence[str]
    data_dir: Path | None = None

    def preset(self, variant: str | None, more: Sequence[str] = ()) -> Preset:
        """The preset, of this variant, with further changes below those of the command line.

        Raises:
            UsageError: anything unknown, or what does not fit together.
        """
        changes = [*more, *self.changes]
        return preset_as_typed(
            self.model, self.data, variant, self.images, changes, data_dir=self.data_dir
        )

    def base(self, variant: str | None) -> Preset:
        """The preset that the files are compared with, which need not have the changes.

        A change of the image size, say, may fit the files' networks alone.
        """
        try:
            return self.preset(variant)
        except UsageError as error:
            try:
                return replace(self, changes=()).preset(variant)
            except UsageError:
                raise error from None

    def variants(self, of: Preset) -> list[str | None]:
        """The variants to choose from: all on the data set, where none is named."""
        if self.variant or isinstance(self.data, UserImages):
            return [self.variant]
        if self.model not in catalog.model_names():
            return [self.variant]
        return list(catalog.preset_file(self.model).variants_on(of.dataset))


def fitted_preset(
    words: PresetWords, known: Recognised, found: SourceFiles, ours: Mapping[str, Tensors]
) -> tuple[Preset, list[str]]:
    """The preset of imported networks, and the fields that the files say, as `--set` takes them.

    Where no variant is named it is the one that needs the fewest changes.

    Raises:
        UsageError: the preset that is named does not exist.
        RunError: the networks do not fit it.
    """
    first = words.base(words.variant)
    choices = []
    for variant in words.variants(first):
        try:
            base = words.base(variant)
        except UsageError:
            continue
        choices.append((variant, changes_needed(base, known, found, ours)))
    variant, needed = min(choices, key=lambda choice: _cost(choice[1]))
    try:
        preset = words.preset(variant, needed)
    except UsageError as error:
        said = f", although its files say {'; '.join(needed)}" if needed else ""
        raise RunError(
            f"{found.path} does not fit {first.name} on {first.dataset}{said}: {error}"
        ) from error
    refuse_misfits(preset, found.path, ours)
    return preset, needed


def _cost(changes: Sequence[str]) -> int:
    """How unlike a variant is: another family counts more than any number of fields."""
    return sum(_FAMILY_COST if "={" in change else 1 for change in changes)


def changes_needed(
    preset: Preset, known: Recognised, found: SourceFiles, ours: Mapping[str, Tensors]
) -> list[str]:
    """What the files say and the preset does not, as `--set` takes it."""
    said = known.layout.fields(known.theirs)
    needed = [
        change
        for player, net in ours.items()
        if player in preset.players()
        for change in _network_changes(preset, player, net, said)
    ]
    classes = preset.classes if _joined(preset) else 0
    others: Fields = {k: v for k, v in said.items() if ".network." not in k}
    others |= prior_fields(ours, classes)
    average = found.average
    if average is not None and average.decay is not None:
        others["schedule.ema_decay"] = average.decay
    now = leaves(preset.model_dump(mode="json"))
    for path, value in others.items():
        asked = path in now and (now[path] or not path.endswith(("categories", "codes")))
        if asked and not _same(now[path], value):
            needed.append(_override(path, value))
    for saved in found.optimizers:
        needed += optimizer_changes(preset, saved)
    return needed


def optimizer_changes(preset: Preset, saved: SavedOptimizer) -> list[str]:
    """The optimiser's settings in the file, where the preset's are others."""
    player = saved.player
    if player is None or player not in preset.players() or not saved.groups:
        return []
    group = saved.groups[0]
    kind = next((kind for kind, names in _SETTINGS.items() if names[0] in group), None)
    if kind is None:
        return []
    values: Fields = {name: _plain(group[name]) for name in _SETTINGS[kind]}
    values["lr"] = _plain(group.get("initial_lr", group["lr"]))
    now = preset.players()[player].optimizer.model_dump(mode="json")
    start = f"{player}.optimizer"
    if now["kind"] != kind:
        table = ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
        return [f'{start}={{kind = "{kind}", {table}}}']
    return [
        _override(f"{start}.{name}", value)
        for name, value in values.items()
        if not _same(now[name], value)
    ]


def _joined(preset: Preset) -> bool:
    """Whether labels join the generator's noise."""
    return getattr(preset.generator.network, _CONDITION, None) == "concat"


def _network_changes(preset: Preset, player: str, net: Tensors, said: Fields) -> list[str]:
    """The fields of a network that its tensors and its source say otherwise."""
    now: NetworkSpec = preset.players()[player].network
    family = family_of(net) or now.family
    registry: Mapping[str, type[NetworkSpec]] = _FAMILIES[player]
    if family not in registry:
        return []
    kind = registry[family]
    own = now.model_dump(mode="json")
    if family != now.family:
        kept = {_CONDITION: own[_CONDITION]} if _CONDITION in own else {}
        own = {"family": family, **{k: v for k, v in kept.items() if k in kind.model_fields}}
    start = f"{player}.network."
    wanted: Fields = {
        path.removeprefix(start): value
        for path, value in said.items()
        if path.startswith(start) and path.removeprefix(start) in kind.model_fields
    }
    spec = kind(**own)
    wanted |= fields_of_net(net, player, spec)
    try:
        made = kind(**(own | wanted))
    except ValidationError:
        # No network of ours has such shapes; the tensor that does not fit is named later.
        return []
    full, before, idle = made.model_dump(mode="json"), spec.model_dump(mode="json"), made.idle()
    changed = {
        name: full[name]
        for name in wanted
        if name not in idle and not _same(before[name], full[name])
    }
    if family == now.family:
        return [_override(f"{start}{name}", value) for name, value in changed.items()]
    usual = kind(family=family).model_dump(mode="json")
    table = {n: v for n, v in (own | changed).items() if n == "family" or v != usual[n]}
    said_so = ", ".join(f"{name} = {json.dumps(value)}" for name, value in table.items())
    return [f"{start.removesuffix('.')}={{{said_so}}}"]


def refuse_misfits(preset: Preset, path: Path, ours: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Refuse networks that are not those of the preset, naming the first tensor that does not fit.

    Raises:
        RunError: one has no place there, one is missing, or one has another shape.
    """
    players = build_players(preset, 0).named()
    misfit = next(_misfits({name: net.state_dict() for name, net in players.items()}, ours), None)
    if misfit is not None:
        raise RunError(
            f"{path} does not fit {preset.name} on {preset.dataset}: {misfit}; name what it was "
            "trained as with --as, --dataset and --variant, or say what differs with --set"
        )


def _misfits(
    wanted: Mapping[str, Tensors], ours: Mapping[str, Mapping[str, Tensor]]
) -> Iterator[str]:
    for player in [*ours, *wanted]:
        if player not in ours:
            yield f"it holds no {player}"
        elif player not in wanted:
            yield f"it holds a {player}, which that model lacks"
        else:
            yield from _misfits_of(player, wanted[player], ours[player])


def _misfits_of(
    player: str, wanted: Mapping[str, Tensor], ours: Mapping[str, Tensor]
) -> Iterator[str]:
    for key, tensor in ours.items():
        if key not in wanted:
            yield f"its {player} has {key}, for which that model has no place"
        elif tensor.shape != wanted[key].shape:
            shapes = ["x".join(map(str, t.shape)) or "one number" for t in (tensor, wanted[key])]
            yield f"its {player}'s {key} is {shapes[0]}, and that model's is {shapes[1]}"
    yield from (f"it holds no {key} of the {player}" for key in wanted if key not in ours)


def _plain(value: object) -> object:
    """A setting of an optimiser as a preset has it."""
    if isinstance(value, Tensor):
        return value.item()
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _same(one: object, other: object) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def _override(path: str, value: object) -> str:
    return f"{path}={'' if value is None else json.dumps(value)}"
