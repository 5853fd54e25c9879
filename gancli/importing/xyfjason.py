"""Names in checkpoints of xyfJASON/GANs-Implementations, which are ours but for heads."""

from gancli.importing.layout import DISCRIMINATOR, GENERATOR, RECONSTRUCTOR, Layout, SourceNets

_SAME = (r"((?:first_layer|first_conv|layers|last_layer|last_conv)\..+)", r"\g<1>")
_HEADS = {
    "last.0": "last_conv.0",
    "disc_head": "last_conv.2",
    "cls_head": "heads.label",
    "c_disc_head": "heads.category",
    "c_cont_head": "heads.code",
}


def _sign(players: SourceNets, player: str, key: str) -> int:
    """Where pairs with noise are judged, its discriminator calls the generated ones 1."""
    turned = player == DISCRIMINATOR and RECONSTRUCTOR in players
    return -1 if turned and key.startswith("last_layer.2.") else 1


XYFJASON = Layout(
    source="xyfJASON/GANs-Implementations",
    names={
        GENERATOR: [_SAME],
        DISCRIMINATOR: [
            _SAME,
            (r"(cls\..+)", r"\g<1>"),
            *((rf"{theirs}\.(.+)", rf"{ours}.\g<1>") for theirs, ours in _HEADS.items()),
        ],
        RECONSTRUCTOR: [_SAME],
    },
    sign=_sign,
)
