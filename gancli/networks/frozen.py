"""Layers of a network that do not learn, by their names or by how many come first."""

from collections.abc import Collection

from torch import nn

from gancli.errors import UsageError
from gancli.plurals import counted

Frozen = int | tuple[str, ...]
"""How many blocks from the first one, or paths of layers and of what holds several."""
_LISTS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def blocks(net: nn.Module) -> list[str]:
    """The paths of a network's blocks, in the order of its layers: its parts that have parameters.

    A list of parts is not one of them, and each of the parts in it is; nor is a part that holds all
    the others.
    """
    found: dict[str, None] = {}
    for path, _ in net.named_parameters():
        first, _, rest = path.partition(".")
        inner = rest.partition(".")[0]
        found[f"{first}.{inner}" if isinstance(getattr(net, first), _LISTS) else first] = None
    whole = [path for path in found if "." not in path]
    if len(found) == 1 and whole and any(getattr(net, whole[0]).children()):
        return [f"{whole[0]}.{path}" for path in blocks(getattr(net, whole[0]))]
    return list(found)


def freeze(net: nn.Module, frozen: Frozen | None) -> frozenset[str]:
    """Let layers of a freshly built network want no gradients; gives their parameters' names.

    Buffers move as in other layers: the statistics of batch norm, and the vectors of spectral norm,
    which come nearer to the singular vectors of a weight that stays.

    Args:
        net: whose parameters all learn.
        frozen: which do not: those of this number of first blocks, or of layers by their paths;
            None: all learn.

    Raises:
        UsageError: there is no such layer, or nothing is left that learns.
    """
    if frozen is None:
        return frozenset()
    every = blocks(net)
    heads = every[:frozen] if isinstance(frozen, int) else frozen
    for head in heads:
        if not any(_is_below(path, head) for path, _ in net.named_parameters()):
            raise UsageError(
                f"frozen names {head}, and no layer with parameters is called so: name some of "
                f"{', '.join(every)}, or layers within them"
            )
    held = frozenset(p for p, _ in net.named_parameters() if _is_in(p, heads))
    if len(held) == len(list(net.parameters())):
        most = counted(len(every) - 1, "block")
        raise UsageError(
            f"frozen leaves no layer that learns: freeze at most {most} of {', '.join(every)}"
        )
    for path, parameter in net.named_parameters():
        parameter.requires_grad_(path not in held)
    return held


def _is_in(path: str, heads: Collection[str]) -> bool:
    return any(_is_below(path, head) for head in heads)


def _is_below(path: str, head: str) -> bool:
    return f"{path}.".startswith(f"{head}.")
