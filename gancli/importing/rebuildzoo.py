"""Names in checkpoints of RebuildZoo/GANseries, of its small networks for MNIST."""

from gancli.importing.layout import DISCRIMINATOR, GENERATOR, Layout, SourceNets, by_layer
from gancli.networks.by_shapes import Fields

_GENERATOR = {
    "G_deconv.0.deconv": "first_conv",
    "G_deconv.0.bn": "layers.0.0",
    "G_deconv.1.deconv": "layers.0.2",
    "G_deconv.1.bn": "layers.1.0",
    "G_deconv.2.deconv": "layers.1.2",
    "G_deconv.2.bn": "last_conv.0",
    "G_deconv.3": "last_conv.2",
}
_DISCRIMINATOR = {
    "D_conv.0.sn_conv": "first_conv",
    "D_conv.1.sn_conv": "layers.0.2",
    "D_conv.1.bn": "layers.1.0",
    "D_conv.2.sn_conv": "layers.1.2",
    "D_conv.2.bn": "last_conv.0",
    "D_head.0": "last_conv.2",
    "Q_classhead.0": "heads.category",
    "Q_codehead_mu.0": "heads.code",
    "Q_codehead_var.0": "heads.code_variance",
}


def _fields(nets: SourceNets) -> Fields:
    """Its digits have pixels in [0, 1], and kernels of 2 make 14 pixels of 8."""
    judge = nets.get(DISCRIMINATOR, {})
    has_codes = any(key.startswith("Q_") for key in judge)
    found: Fields = {
        "data.range": "unit",
        "generator.network.kernels": [2, 2, 4],
        "generator.network.paddings": [0, 1, 1],
        "generator.network.output": "sigmoid",
        "discriminator.network.kernels": [4, 2, 4],
        "discriminator.network.power_iteration": "v_first",
        "discriminator.network.slope": 0.1 if has_codes else 0.2,
    }
    if has_codes:
        found["discriminator.network.head_bias"] = True
        spread = "Q_codehead_var.0.bias" in judge
        found["objective.mutual_information.variance_head"] = spread
    return found


REBUILDZOO = Layout(
    source="RebuildZoo/GANseries",
    names={GENERATOR: by_layer(_GENERATOR), DISCRIMINATOR: by_layer(_DISCRIMINATOR)},
    fields=_fields,
    epochs_begun=0,
)
