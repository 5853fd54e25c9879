"""Names in checkpoints of kwotsin/mimicry, whose networks are known and are not ours."""

from gancli.importing.layout import DISCRIMINATOR, GENERATOR, Layout

_NORM = r"(?:weight|bias|running_mean|running_var|num_batches_tracked|\w+\.weight)"
_LAYER = r"(?:weight|bias|sn_u|sn_sigma)"

MIMICRY = Layout(
    source="kwotsin/mimicry",
    names={
        GENERATOR: [
            (rf"(l1|c\d)\.{_LAYER}", r"\g<0>"),
            (rf"(b\d)\.{_NORM}", r"\g<0>"),
            (rf"block\d\.(?:c1|c2|c_sc)\.{_LAYER}", r"\g<0>"),
            (rf"block\d\.(?:b1|b2)\.{_NORM}", r"\g<0>"),
        ],
        DISCRIMINATOR: [
            (rf"block\d\.(?:c1|c2|c_sc)\.{_LAYER}", r"\g<0>"),
            (rf"(?:l\d|l_y)\.{_LAYER}", r"\g<0>"),
        ],
    },
    refusal="its generators enlarge feature maps bilinearly, and those here repeat pixels, so its "
    "weights would make other images",
)
