"""Names in checkpoints of w86763777/pytorch-gan-collections: CNNs and residual networks."""

import re

from gancli.importing.layout import (
    DISCRIMINATOR,
    GENERATOR,
    Layout,
    SourceNets,
    by_layer,
    trailing_without,
)
from gancli.networks.by_shapes import Fields

SOURCE = "w86763777/pytorch-gan-collections"
_RESIDUAL_GENERATOR = {
    "linear": "dense",
    **{
        f"blocks.{n}.{theirs}": f"stages.{n}.0.{ours}"
        for n in range(3)
        for theirs, ours in {
            "residual.0": "norm1",
            "residual.3": "conv1",
            "residual.4": "norm2",
            "residual.6": "conv2",
            "shortcut.1": "shortcut",
        }.items()
    },
    "blocks.3": "last_norm",
    "blocks.5": "last_conv",
    "output.0": "last_norm",
    "output.2": "last_conv",
}
_NORMED_FIRST = {
    "linear": "dense",
    "main.0": "first_norm",
    "main.2": "stages.0.conv",
    "main.3": "stages.0.norm",
    "main.5": "stages.1.conv",
    "main.6": "stages.1.norm",
    "main.8": "stages.2.conv",
    "main.9": "stages.2.norm",
    "main.11": "last_conv",
}
_BARE_FIRST = {
    "linear": "dense",
    "main.0": "stages.0.conv",
    "main.1": "stages.0.norm",
    "main.3": "stages.1.conv",
    "main.4": "stages.1.norm",
    "main.6": "stages.2.conv",
    "main.7": "stages.2.norm",
    "main.9": "last_conv",
}
_DISCRIMINATOR = {
    "linear": "verdict.logit",
    **{f"main.{4 * n + m}": f"stages.{n}.{m}" for n in range(4) for m in (0, 2)},
    "model.0.residual.0": "stages.0.0.conv1",
    "model.0.residual.2": "stages.0.0.conv2",
    "model.0.shortcut.1": "stages.0.0.shortcut",
    **{
        f"model.{n}.{theirs}": f"stages.{n}.0.{ours}"
        for n in range(1, 4)
        for theirs, ours in {
            "residual.1": "conv1",
            "residual.3": "conv2",
            "shortcut.0": "shortcut",
        }.items()
    },
}


def _fields(nets: SourceNets) -> Fields:
    maker, judge = nets.get(GENERATOR, {}), nets.get(DISCRIMINATOR, {})
    found: Fields = {"discriminator.network.logit_bias": "linear.bias" in judge}
    if any(key.endswith("weight_orig") for key in judge):
        found["discriminator.network.power_iteration"] = "v_first"
        found["discriminator.network.spectral_logit"] = "linear.weight_orig" in judge
    if any(key.startswith("main.") for key in maker):
        found["generator.network.first_activation"] = "main.0.running_mean" in maker
    if any(key.startswith("main.") for key in judge):
        return found | {"discriminator.network.slope": 0.1}
    blocks = sorted({".".join(key.split(".")[:2]) for key in judge if re.match(r"model\.", key)})
    return found | {
        "generator.network.preactivation": True,
        "discriminator.network.preactivation": True,
        "discriminator.network.first_activation": False,
        "discriminator.network.slope": 0.0,
        "discriminator.network.flat_stages": trailing_without(judge, "shortcut", blocks),
    }


def _layout(generator: dict[str, str]) -> Layout:
    return Layout(
        source=SOURCE,
        names={GENERATOR: by_layer(generator), DISCRIMINATOR: by_layer(_DISCRIMINATOR)},
        fields=_fields,
    )


RESIDUAL, NORMED_FIRST, BARE_FIRST = (
    _layout(table) for table in (_RESIDUAL_GENERATOR, _NORMED_FIRST, _BARE_FIRST)
)
