"""Names in checkpoints of koshian2/SNGAN: standard CNNs, residual networks and their mixtures."""

import re
from collections.abc import Mapping

from torch import Tensor

from gancli.importing.layout import (
    DISCRIMINATOR,
    GENERATOR,
    Layout,
    NameRule,
    SourceNets,
    trailing_without,
)
from gancli.networks.by_shapes import SPECTRAL, Fields

_LAYER = rf"(weight|bias|{re.escape(SPECTRAL)}\.(?:original|0\._u))"
_NORM = r"((?:bn\.)?(?:running_mean|running_var|num_batches_tracked)|weight|bias|\w+\.weight)"


def _stage(match: re.Match[str]) -> str:
    """Stages are counted from 1 there."""
    stage, rest = match.groups()
    return f"stages.{int(stage) - 1}.{rest}"


def _block(match: re.Match[str]) -> str:
    """Blocks are named by their stage and, where a stage has several, by their place in it."""
    stage, place, layer, rest = match.groups()
    ours = {"bn1": "norm1", "bn2": "norm2", "shortcut_conv": "shortcut"}.get(layer, layer)
    return f"stages.{int(stage) - 1}.{int(place or 1) - 1}.{ours}.{rest}"


def _pair(match: re.Match[str]) -> str:
    """Blocks are counted through, two for each stage."""
    number, layer, rest = match.groups()
    ours = {"shortcut_conv": "shortcut"}.get(layer, layer)
    return f"stages.{int(number) // 2}.{int(number) % 2}.{ours}.{rest}"


def _conv(match: re.Match[str]) -> str:
    """Convolutions of a stage, with an activation after each."""
    stage, place, rest = match.groups()
    return f"stages.{int(stage) - 1}.{2 * int(place)}.{rest}"


_GENERATOR: list[NameRule] = [
    (r"(dense\.(?:weight|bias))", r"\g<1>"),
    (r"conv(\d)\.(conv\.(?:weight|bias))", _stage),
    (rf"conv(\d)\.bn\.{_NORM}", lambda m: f"stages.{int(m[1]) - 1}.norm.{m[2]}"),
    (r"block(\d)(\d)?\.(conv1|conv2|shortcut_conv)\.(weight|bias)", _block),
    (rf"block(\d)(\d)?\.(bn[12])\.{_NORM}", _block),
    (rf"bn_out\.{_NORM}", r"last_norm.\g<1>"),
    (r"out\.[01]\.(weight|bias)", r"last_conv.\g<1>"),
]
_DISCRIMINATOR: list[NameRule] = [
    (rf"conv(\d)\.(\d)\.conv\.{_LAYER}", _conv),
    (rf"conv4\.conv\.{_LAYER}", r"stages.3.0.\g<1>"),
    (rf"block(\d)(\d)?\.(conv1|conv2|shortcut_conv)\.{_LAYER}", _block),
    (rf"blocks\.(\d)\.(conv1|conv2|shortcut_conv)\.{_LAYER}", _pair),
    (rf"initial_(?:down|conv)\.{_LAYER}", r"start.\g<1>"),
    (r"dense\.(weight|bias)", r"verdict.logit.\g<1>"),
    (rf"sn_embedding\.linear\.{_LAYER}", r"verdict.projection.embedding.\g<1>"),
]


def _fields(nets: SourceNets) -> Fields:
    maker, judge = nets.get(GENERATOR, {}), nets.get(DISCRIMINATOR, {})
    found: Fields = {
        "discriminator.network.power_iteration": "frozen",
        "discriminator.network.spectral_logit": False,
    }
    if any(key.endswith("gamma_embed.weight") for key in maker):
        found["generator.network.class_norm_eps"] = 1e-4
    if any(key.startswith("block") for key in maker):
        before = any(key.startswith("bn_out.") for key in maker)
        found["generator.network.preactivation"] = before
    else:
        found["generator.network.first_activation"] = False
    return found | _judging(judge)


def _judging(keys: Mapping[str, Tensor]) -> Fields:
    if any(key.startswith("blocks.") for key in keys):
        return {
            "discriminator.network.preactivation": False,
            "discriminator.network.flat_stages": 0,
        }
    blocks = sorted({key.partition(".")[0] for key in keys if re.match(r"block\d\.", key)})
    if not blocks:
        return {}
    found: Fields = {
        "discriminator.network.preactivation": True,
        "discriminator.network.first_activation": True,
        "discriminator.network.flat_stages": max(
            trailing_without(keys, "shortcut_conv", blocks), 1
        ),
        "discriminator.network.pooling": "sum",
    }
    if any(key.startswith("initial_") for key in keys):
        padded = any(key.startswith("initial_conv") for key in keys)
        found["discriminator.network.start_padding"] = int(padded)
    return found


def _ours(key: str, tensor: Tensor) -> Tensor:
    """Its scales of classes are counted from 1, and have a column for each class."""
    if key.endswith("_embed.weight"):
        return tensor.T + (1 if key.endswith("gamma_embed.weight") else 0)
    return tensor


KOSHIAN2 = Layout(
    source="koshian2/SNGAN",
    names={GENERATOR: _GENERATOR, DISCRIMINATOR: _DISCRIMINATOR},
    fields=_fields,
    endings=[
        (r"\.module\.bias$", ".bias"),
        (r"\.module\.weight_bar$", f".{SPECTRAL}.original"),
        (r"\.module\.weight_u$", f".{SPECTRAL}.0._u"),
        (r"\.gamma_embed\.weight$", ".weights.weight"),
        (r"\.beta_embed\.weight$", ".biases.weight"),
    ],
    unused=r".+\.module\.weight_v",
    ours=_ours,
    epochs_begun=1,
)
