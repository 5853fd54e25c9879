"""Names in checkpoints of Victarry/Image-Generation-models, of its grids of learning rates."""

from gancli.importing.layout import DISCRIMINATOR, GENERATOR, Layout, SourceNets, by_layer
from gancli.networks.by_shapes import Fields

_GENERATOR = {
    "model.0.fc": "first_layer",
    "model.0.bn": "layers.0.0",
    "model.1.fc": "layers.0.2",
    "model.1.bn": "layers.1.0",
    "model.2.fc": "layers.1.2",
    "model.2.bn": "last_layer.0",
    "model.3.fc": "last_layer.2",
    "network.0": "first_conv",
    "network.1": "layers.0.0",
    "network.3": "layers.0.2",
    "network.4": "layers.1.0",
    "network.6": "layers.1.2",
    "network.7": "last_conv.0",
    "network.9": "last_conv.2",
}
_DISCRIMINATOR = {
    "model.0.fc": "first_layer",
    "model.1.fc": "layers.0.2",
    "model.1.bn": "layers.1.0",
    "model.2.fc": "layers.1.2",
    "model.2.bn": "last_layer.0",
    "classifier.fc": "last_layer.2",
    "network.0": "first_conv",
    "network.2": "layers.0.2",
    "network.3": "layers.1.0",
    "network.5": "layers.1.2",
    "network.6": "last_conv.0",
    "network.8": "last_conv.2",
}


def _fields(nets: SourceNets) -> Fields:
    """Its generator of linear layers has ReLUs."""
    linear = "model.0.fc.weight" in nets.get(GENERATOR, {})
    return {"generator.network.slope": 0.0} if linear else {}


VICTARRY = Layout(
    source="Victarry/Image-Generation-models",
    names={GENERATOR: by_layer(_GENERATOR), DISCRIMINATOR: by_layer(_DISCRIMINATOR)},
    fields=_fields,
)
