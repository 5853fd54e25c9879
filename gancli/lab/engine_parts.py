"""What the page's engine can do, in one place; a test holds it against the engine's own tables."""

from collections.abc import Iterator, Mapping

from gancli.networks.layers import LayeredSpec
from gancli.networks.mlp import MlpSpec
from gancli.preset import Preset

TERM_NAMES = frozenset(
    {
        "vanilla", "density_ratio", "hinge", "least_squares", "wasserstein", "r1", "r2",
        "gradient_penalty", "latent_reconstruction", "relativistic_average_hinge",
        "relativistic_pairing",
    }
)  # fmt: skip
"""The terms that it computes."""
CONSTRAINT_NAMES = frozenset({"weight_clip"})
"""The constraints that it keeps."""
OPTIMIZER_KINDS = frozenset({"adam", "rmsprop"})
"""The optimisers that it has."""
START_NAMES = frozenset({"default", "torch", "normal", "kaiming", "xavier", "xavier_uniform"})
"""The ways in which it lets weights start."""
TUNABLE: Mapping[str, tuple[str, ...]] = {
    "weight_clip": ("bound",),
    "least_squares": ("fake_target", "real_target", "generator_target"),
}
"""Numbers of terms and constraints that its page may change, in addition to the weights of terms:
they stand in the equations as they are."""


def lacking(preset: Preset) -> str | None:
    """What of a preset the engine cannot do, as a clause; None: it can train it."""
    return next(_lacks(preset), None)


def _lacks(preset: Preset) -> Iterator[str]:
    objective = preset.objective
    if preset.data.shape.is_image:
        yield "it trains on images"
    for name in (*objective.terms(), *objective.constraints(), *objective.views()):
        if name not in TERM_NAMES | CONSTRAINT_NAMES:
            yield f"it lacks objective.{name}"
    for player, spec in preset.players().items():
        yield from (f"{player}.{said}" for said in _lacks_of_network(spec.network))
        if spec.optimizer.kind not in OPTIMIZER_KINDS or spec.optimizer.plateau:
            yield f"it lacks this kind of {player}.optimizer"
        if spec.frozen:
            yield f"{player}.frozen is set"
    yield from _lacks_of_turns(preset)


def _lacks_of_network(spec: object) -> Iterator[str]:
    if not isinstance(spec, MlpSpec):
        yield "network is not a perceptron"
        return
    if spec.init not in START_NAMES or spec.init_by_layer:
        yield "network.init is one that it lacks"
    if isinstance(spec, LayeredSpec) and spec.spectral and spec.power_iteration == "frozen":
        yield "network.power_iteration is frozen"


def _lacks_of_turns(preset: Preset) -> Iterator[str]:
    turns, schedule, prior = preset.turns, preset.schedule, preset.prior
    if turns.restart or any(turns.of(side).fakes != "fresh" for side in turns.order):
        yield "turns of a step share fakes, or end with the epoch"
    if schedule.warmup or schedule.generator_batch_size or schedule.partial_batches:
        yield "schedule has warm-up, or batches of several sizes"
    if prior.categories or prior.codes or prior.levels or preset.classes:
        yield "prior has more than noise"
