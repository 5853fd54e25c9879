"""Network tables as they were when every family and player had the same fields."""

from collections.abc import Mapping
from typing import Any

DEFAULTS = {"condition": "none", "slope": 0.2, "head_width": 0, "importance": "ones"}
"""The defaults of the fields that some networks had without using them."""
FAMILIES = ("mlp", "cnn", "eigen")
"""The families that there were."""
UNUSED: Mapping[tuple[str, str], frozenset[str]] = {
    ("generator", "mlp"): frozenset({"condition"}),
    ("discriminator", "mlp"): frozenset({"condition"}),
    ("reconstructor", "mlp"): frozenset({"condition"}),
    ("generator", "cnn"): frozenset({"slope", "head_width"}),
    ("generator", "eigen"): frozenset({"condition"}),
    ("discriminator", "eigen"): frozenset({"condition", "importance"}),
}
"""By player and family: what was in the table and changed nothing."""
NEWER = frozenset({("condition", "projection")})
"""Values of such fields that came later, and do something."""


def without_unused(player: str, table: Mapping[str, Any], *, defaults_only: bool) -> dict[str, Any]:
    """The table without the fields that changed nothing.

    Args:
        player: whose network it is.
        table: its settings.
        defaults_only: keep fields with another value than their default, so that they are refused.
    """
    unused = UNUSED.get((player, str(table.get("family"))), frozenset())
    kept = {
        field: value
        for field, value in table.items()
        if field not in unused
        or (field, value) in NEWER
        or (defaults_only and value != DEFAULTS[field])
    }
    reaches_all = kept.pop("init_spectral", True) if table.get("family") in FAMILIES else True
    if kept.get("spectral") and not reaches_all:
        # Spectral norm is on every layer, so `init` reached none.
        kept["init"] = "default"
    # Conditional batch norms stood in a generator whatever `norm` said.
    if kept.get("condition") == "norm" and not defaults_only:
        kept["norm"] = "batch"
    return kept
