"""Other programs' tensors as a state of training: networks, average, optimisers."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gancli.errors import RunError
from gancli.importing.layout import GENERATOR, is_trained
from gancli.importing.read_files import SavedOptimizer, SourceFiles
from gancli.importing.recognise import Recognised
from gancli.preset import Preset
from gancli.tally import Tensors

STEP_SLOT = "step"
_SIGNED = frozenset({"exp_avg", "momentum_buffer"})
"""What an optimiser remembers that turns with its parameter's sign."""
_MOMENTS = ("exp_avg", "square_avg", "momentum_buffer")


def state_tensors(
    preset: Preset,
    known: Recognised,
    found: SourceFiles,
    ours: Mapping[str, Tensors],
    dtype: torch.dtype,
) -> Tensors:
    """All tensors of a checkpoint but for its counts, under the names that they have there.

    Raises:
        RunError: an optimiser's state is not of these networks.
    """
    made = {
        f"{player}.{key}": _as(tensor, dtype)
        for player, net in ours.items()
        for key, tensor in net.items()
    }
    if preset.average_kept:
        made |= {f"ema.{k}": _as(t, dtype) for k, t in averaged(known, found, ours).items()}
    for saved in found.optimizers:
        if saved.player in preset.optimizers():
            made |= _optimizer_tensors(known, found, saved, ours, dtype)
    return made


def averaged(known: Recognised, found: SourceFiles, ours: Mapping[str, Tensors]) -> Tensors:
    """The generator's moving average; without one, nothing: it then starts as the generator is.

    Raises:
        RunError: it has not as many tensors as the generator.
    """
    average, net = found.average, ours[GENERATOR]
    if average is None:
        return {}
    if average.tensors is not None:
        return known.named(GENERATOR, average.tensors)
    names, parameters = known.trained_names(GENERATOR), average.parameters or []
    _refuse_other_count(found, "moving average", len(parameters), len(names))
    buffers = {key: tensor for key, tensor in net.items() if key not in names}
    return dict(zip(names, parameters, strict=True)) | buffers


def assign_players(known: Recognised, found: SourceFiles, ours: Mapping[str, Tensors]) -> None:
    """Say of each optimiser whose it is, by the shapes of what it remembers.

    Raises:
        RunError: it is of no network here.
    """
    for saved in found.optimizers:
        if saved.player is None and saved.state:
            fits = [p for p in ours if _fits(saved, [ours[p][n] for n in known.trained_names(p)])]
            if not fits:
                raise RunError(
                    f"{found.path} holds an optimiser's state that is of none of its networks: "
                    "let the program that wrote it save the networks alone"
                )
            taken = {other.player for other in found.optimizers}
            saved.player = next((player for player in fits if player not in taken), fits[0])


def generator_steps(found: SourceFiles) -> int | None:
    """How often the generator's optimiser has stepped; None: the files do not say."""
    for saved in found.optimizers:
        for slots in saved.state.values():
            if saved.player == GENERATOR and STEP_SLOT in slots:
                return int(slots[STEP_SLOT])
    return None


def _order(saved: SavedOptimizer) -> list[int]:
    """The numbers of its parameters, in order."""
    return [number for group in saved.groups for number in group["params"]]


def _moment(slots: Mapping[str, object]) -> Tensor | None:
    found = [slots[name] for name in _MOMENTS if isinstance(slots.get(name), Tensor)]
    return found[0] if found and isinstance(found[0], Tensor) else None


def _fits(saved: SavedOptimizer, parameters: Sequence[Tensor]) -> bool:
    order = _order(saved)
    if len(order) != len(parameters):
        return False
    moments = [_moment(saved.state.get(number, {})) for number in order]
    return all(
        moment is None or moment.shape == parameter.shape
        for moment, parameter in zip(moments, parameters, strict=True)
    )


def _optimizer_tensors(
    known: Recognised,
    found: SourceFiles,
    saved: SavedOptimizer,
    ours: Mapping[str, Tensors],
    dtype: torch.dtype,
) -> Tensors:
    player, made = str(saved.player), {}
    names, order = known.trained_names(player), _order(saved)
    _refuse_other_count(found, f"state of the {player}'s optimiser", len(order), len(names))
    for name, number in zip(names, order, strict=True):
        turned = known.layout.sign(known.theirs, player, name) < 0
        for slot, value in saved.state.get(number, {}).items():
            if value is None:
                continue
            if slot == STEP_SLOT:
                made[f"optimizer.{player}.{name}.{slot}"] = torch.tensor(float(value))
                continue
            if not isinstance(value, Tensor) or value.shape != ours[player][name].shape:
                raise RunError(
                    f"{found.path}: {slot} of the {player}'s {name} is not shaped as its weights: "
                    "name the folder of one checkpoint"
                )
            flipped = -value if turned and slot in _SIGNED else value
            made[f"optimizer.{player}.{name}.{slot}"] = _as(flipped, dtype)
    return made


def _refuse_other_count(found: SourceFiles, what: str, there: int, wanted: int) -> None:
    if there != wanted:
        raise RunError(
            f"{found.path}: the {what} is of {there} tensors, and the network has {wanted}: name "
            "the folder of one checkpoint"
        )


def _as(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """In the run's precision, if it is not a whole number."""
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def precision_of(ours: Mapping[str, Tensors]) -> torch.dtype:
    """float64 where networks have that, else float32."""
    trained = (t for net in ours.values() for key, t in net.items() if is_trained(key))
    return torch.float64 if any(t.dtype == torch.float64 for t in trained) else torch.float32
