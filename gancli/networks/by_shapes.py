"""What shapes tell of a preset's networks: their family, widths, norms and inputs.

Tensors have our names here, whatever program wrote them.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from torch import Tensor

from gancli.settings import Settings

SPECTRAL = "parametrizations.weight"
"""Where a layer under spectral norm keeps its weight."""
Fields = dict[str, object]
"""By path: fields of a preset; None: not set."""
_GENERATOR = "generator"
_Net = Mapping[str, Tensor]
_Family = Callable[[_Net, str], Fields]


def family_of(net: _Net) -> str | None:
    """The family that has tensors of these names; None: no family that is told by them."""
    marks = {
        "eigen": r"layers\.0\.(subspace\.U|5\.(weight|bias))",
        "mlp": r"first_layer\.(weight|bias)",
        "cnn": rf"first_conv\.(weight|{re.escape(SPECTRAL)}\.original)",
        "resnet": r"stages\.0\.0\.conv1\..+",
        "sndcgan": r"stages\.0\.(conv|0)\..+",
    }
    for family, pattern in marks.items():
        if any(re.fullmatch(pattern, key) for key in net):
            return family
    return None


def fields_of_net(net: _Net, player: str, network: Settings) -> Fields:
    """The fields of a network, without its path, as its tensors have them.

    Args:
        net: its tensors, by our names.
        player: whose it is.
        network: the settings so far, of the same family.
    """
    family = family_of(net)
    has_norm = any(key.endswith("running_mean") for key in net)
    found: Fields = {
        "norm": "batch" if has_norm else "none",
        "spectral": any(f"{SPECTRAL}.original" in key for key in net),
    }
    if family is not None:
        # A tensor may be missing, or have too few axes: which one is said later.
        with suppress(IndexError, TypeError):
            found |= _FAMILIES[family](net, player)
    widths = found.pop("widths", None)
    field = getattr(type(network), "width_field", None) or "width"
    if isinstance(widths, list) and widths and min(widths) > 0:
        found |= _widths(widths, field, network)
    known = type(network).model_fields
    return {name: value for name, value in found.items() if name in known}


def input_size(net: _Net) -> int | None:
    """How many numbers a generator reads; None: its first layer is not among ours."""
    for name, axis in (("first_layer", 1), ("dense", 1), ("first_conv", 0)):
        weight = _weight(net, name)
        if weight is not None and weight.dim() > axis:
            return weight.shape[axis]
    return None


def prior_fields(nets: Mapping[str, _Net], concatenated: int) -> Fields:
    """The fields of the prior.

    Args:
        nets: by player.
        concatenated: classes that join the generator's noise.
    """
    maker, judge = nets.get(_GENERATOR, {}), nets.get("discriminator", {})
    found: Fields = {}
    others = concatenated
    for head, name in (("category", "categories"), ("code", "codes")):
        weight = _weight(judge, f"heads.{head}")
        if weight is not None and weight.dim():
            found[f"prior.{name}"] = len(weight)
            others += len(weight)
    size = input_size(maker)
    if size is not None:
        found["prior.z_dim"] = size - others
    directions = [t for key, t in maker.items() if key.endswith("subspace.U") and t.dim()]
    if directions:
        found["prior.levels"] = [len(directions), len(directions[0])]
    return found


def _widths(widths: Sequence[int], field: str, network: Settings) -> Fields:
    """Widths as multiples of one, which is that of the preset where it divides them all."""
    now = getattr(network, field)
    last = getattr(network, "last_width", None)
    found: Fields = {}
    if last is not None and last == widths[-1]:
        own = now * network.multipliers[-1]  # type: ignore[attr-defined]
        widths = [*widths[:-1], own]
    elif last is not None:
        found["last_width"] = None
    unit = now if all(width % now == 0 for width in widths) else math.gcd(*widths)
    return found | {field: unit, "multipliers": [width // unit for width in widths]}


def _weight(net: _Net, layer: str) -> Tensor | None:
    """A layer's weight, under spectral norm or not."""
    plain = net.get(f"{layer}.weight")
    return net.get(f"{layer}.{SPECTRAL}.original") if plain is None else plain


def _in_turn(net: _Net, layer: str) -> list[Tensor]:
    """The weights of layers that are numbered from 0, `{n}` standing for the number."""
    found: list[Tensor] = []
    while (weight := _weight(net, layer.format(n=len(found)))) is not None:
        found.append(weight)
    return found


def _mlp(net: _Net, player: str) -> Fields:
    del player
    first = [weight for weight in (_weight(net, "first_layer"),) if weight is not None]
    return {"widths": [len(weight) for weight in (*first, *_in_turn(net, "layers.{n}.2"))]}


def _cnn(net: _Net, player: str) -> Fields:
    axis = 1 if player == _GENERATOR else 0
    first = _weight(net, "first_conv")
    inner = _in_turn(net, "layers.{n}.2")
    widths = [weight.shape[axis] for weight in (first, *inner) if weight is not None]
    return {
        "widths": widths[::-1] if player == _GENERATOR else widths,
        "bias": "first_conv.bias" in net,
    }


def _sndcgan(net: _Net, player: str) -> Fields:
    if player == _GENERATOR:
        stages = _in_turn(net, "stages.{n}.conv")
        widths = [stages[0].shape[0], *(weight.shape[1] for weight in stages)]
        return {"widths": widths[::-1]}
    firsts, seconds = _in_turn(net, "stages.{n}.0"), _in_turn(net, "stages.{n}.2")
    if len(seconds) == len(firsts):
        layout = "strided_first"
    else:
        keeps = seconds[0].shape[0] == seconds[0].shape[1]
        layout = "widen_first" if keeps else "widen_last"
    return {"widths": [len(weight) for weight in firsts], "layout": layout}


def _resnet(net: _Net, player: str) -> Fields:
    firsts = _in_turn(net, "stages.{n}.0.conv1")
    widths = [len(weight) for weight in firsts]
    blocks = [len(_in_turn(net, f"stages.{n}.{{n}}.conv1")) for n in range(len(firsts))]
    if player == _GENERATOR:
        widths = [*widths[::-1], firsts[0].shape[1]]
        return {"widths": widths, "blocks": _shortened(blocks[::-1])}
    start = _weight(net, "start")
    width = 0 if start is None else len(start)
    return {"widths": widths, "blocks": _shortened(blocks), "start_width": width}


def _eigen(net: _Net, player: str) -> Fields:
    if player == _GENERATOR:
        makes = _in_turn(net, "layers.{n}.dconv2")
        widths = [makes[0].shape[0], *(weight.shape[1] for weight in makes)]
        return {"widths": widths[::-1]}
    makes, first = _in_turn(net, "layers.{n}.5"), _weight(net, "first_conv")
    return {"widths": [len(weight) for weight in (first, *makes) if weight is not None]}


def _shortened(blocks: list[int]) -> list[int]:
    """Without the last numbers that repeat the one before."""
    while len(blocks) > 1 and blocks[-1] == blocks[-2]:
        blocks = blocks[:-1]
    return blocks


_FAMILIES: dict[str, _Family] = {
    "eigen": _eigen,
    "mlp": _mlp,
    "cnn": _cnn,
    "resnet": _resnet,
    "sndcgan": _sndcgan,
}
