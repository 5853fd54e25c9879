"""The schema of a resolved preset: everything a run depends on, but for its seed."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gancli.data import AnyData
from gancli.networks import AnyNetwork, Mlp
from gancli.objective import Objective
from gancli.objective.auxiliary import LABEL
from gancli.optimizers import AnyOptimizer
from gancli.prior import Prior
from gancli.scores import ranking_scores, ranks
from gancli.settings import Settings

ABSENT = "absent"
"""What a deviation says of a field that is not set."""
Decay = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(gt=0, le=1_000_000_000)]
Turns = Annotated[int, Field(gt=0, le=10_000)]
"""Turns of one step, which its plan lists one by one."""


def _ranking_score(name: str) -> str:
    if not ranks(name):
        raise PydanticCustomError(
            "unknown_score", "one of {scores}", {"scores": ", ".join(ranking_scores())}
        )
    return name


SelectionScore = Annotated[str, AfterValidator(_ranking_score)]
"""A score by which one checkpoint is better than another."""


class PlayerSpec(Settings):
    """One player: its network and its optimiser."""

    network: AnyNetwork
    optimizer: AnyOptimizer


class ReconstructorSpec(PlayerSpec):
    """The player that guesses the noise behind samples; it steps with the generator."""

    network: Mlp
    noise: float = Field(default=1.0, ge=0)
    """standard deviation of its guess while the discriminator learns"""


class Warmup(Settings):
    """Extra discriminator turns, as in Arjovsky et al.'s code."""

    steps: Turns
    """discriminator turns in a step that is warmed up"""
    first: int = Field(default=0, ge=0)
    """the first steps are warmed up"""
    every: int = Field(default=0, ge=0)
    """every such step is warmed up; 0: none"""


class Schedule(Settings):
    """How long, how often, how many. A step is one update of the generator."""

    steps: Count
    """generator updates"""
    batch_size: Count
    """samples of each kind in a turn"""
    generator_batch_size: Count | None = None
    """fakes in the generator's turn, where it differs from `batch_size`"""
    discriminator_steps: Turns = 1
    """discriminator updates for each generator update"""
    warmup: Warmup | None = None
    lr_decay_start: int | None = Field(default=None, ge=0)
    """the step from which all learning rates fall linearly to 0 at the end; none: constant"""
    ema_decay: Decay = 0.0
    """decay of the moving average of the generator's weights; 0: none is kept"""
    ema_warmup: bool = True
    """start the average at a decay of 2/11 and let it rise: min(decay, (1 + n) / (10 + n))"""
    log_every: Count = 100
    """steps between two lines of metrics.jsonl"""
    preview_every: Count = 1000
    """steps between two previews"""
    checkpoint_every: Count = 1000
    """steps between two checkpoints"""
    keep_newest: Count = 2
    """how many of the newest checkpoints are kept"""
    keep_every: Count | None = None
    """also keep the checkpoints of every such step"""
    evaluate_every: int = Field(default=0, ge=0, le=1_000_000_000)
    """steps between two evaluations, each of a checkpoint written for it, and of the last; 0: none
    is made"""
    evaluate_count: Count = 10_000
    """generated images of an evaluation"""
    evaluate_by: SelectionScore = "fid"
    """the score whose best checkpoint is kept"""

    def evaluates_at(self, step: int) -> bool:
        """Whether the state after this step is evaluated; so is that after the last."""
        every = self.evaluate_every
        return every > 0 and step > 0 and (step % every == 0 or step == self.steps)

    def saves_at(self, step: int) -> bool:
        """Whether the state after this step is kept as a checkpoint."""
        regular = step % self.checkpoint_every == 0 or step == self.steps
        return regular or self.evaluates_at(step)

    def discriminator_steps_at(self, step: int) -> int:
        """How many discriminator turns this step has (0 is the first)."""
        if self.warmup is None:
            return self.discriminator_steps
        periodic = self.warmup.every and step % self.warmup.every == 0
        warm = step < self.warmup.first or periodic
        return self.warmup.steps if warm else self.discriminator_steps

    def batches_before(self, step: int) -> int:
        """How many real batches are dealt before this step."""
        if self.warmup is None:
            return step * self.discriminator_steps
        return sum(map(self.discriminator_steps_at, range(step)))

    def lr_factor(self, step: int) -> float:
        """What every learning rate is multiplied by at this step."""
        if self.lr_decay_start is None or step < self.lr_decay_start:
            return 1.0
        return (self.steps - step) / (self.steps - self.lr_decay_start)

    def ema_decay_at(self, step: int) -> float:
        """The decay of the average at this step's update (0 is the first)."""
        if not self.ema_warmup:
            return self.ema_decay
        return min(self.ema_decay, (2 + step) / (11 + step))


class Published(Settings):
    """Scores somebody published for this configuration."""

    source: str
    """who, and by which protocol"""
    fid: float | None = None
    inception_score: float | None = None
    inception_score_std: float | None = None
    intra_fid: float | None = None
    """mean over the classes of the FID between each class and its own training images"""


class Deviation(Settings):
    """What a paper says of one field; a deviation wherever the field says otherwise."""

    paper: Any
    """the field's value in the paper, or a description of what no value can say"""
    note: str = ""
    """where the paper says so, or why it matters"""

    @field_validator("paper")
    @classmethod
    def _finite(cls, paper: object) -> object:
        try:
            json.dumps(paper, allow_nan=False)
        except ValueError as error:
            raise ValueError("expected finite numbers") from error
        return paper

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        value = self.paper if isinstance(self.paper, str) else json.dumps(self.paper)
        return f"paper: {value}{note}"


class Preset(Settings):
    """A resolved preset; it trains as it stands."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """names the run's folder"""
    summary: str = ""
    """what the paper changed, in a sentence"""
    paper: str = ""
    dataset: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    variant: str = "reference"
    data: AnyData
    prior: Prior
    generator: PlayerSpec
    discriminator: PlayerSpec
    reconstructor: ReconstructorSpec | None = None
    objective: Objective
    schedule: Schedule
    deviations: dict[str, Deviation] = Field(default_factory=dict)
    """field -> the paper's value for it"""
    expected: Published | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "Preset":
        for role, player in self.players().items():
            judges = role == "discriminator"
            misfit = player.network.misfit(
                self.data.shape,
                role,
                z_dim=self.judged_noise if judges else 0,
                heads=self.heads if judges else {},
            )
            if misfit:
                raise ValueError(f"{role}.network: {misfit}")
        self._labels_reach_both()
        self._latents_fit()
        wanting = [n for n, term in self.objective.terms().items() if term.needs_reconstructor()]
        if bool(wanting) != (self.reconstructor is not None):
            raise ValueError(
                f"objective.{wanting[0]} needs a [reconstructor], which is absent"
                if wanting
                else "reconstructor: no term of the objective needs one, e.g. latent_reconstruction"
            )
        couples = any(player.network.couples_samples for player in self.players().values())
        for name in ("batch_size", "generator_batch_size"):
            if getattr(self.schedule, name) == 1 and couples:
                raise ValueError(
                    f"schedule.{name}: read 1, expected 2 or more: batch norm needs them"
                )
        self._is_of_images()
        start = self.schedule.lr_decay_start
        if start is not None and start >= self.schedule.steps:
            raise ValueError(
                f"schedule.lr_decay_start: read {start}, expected less than "
                f"schedule.steps = {self.schedule.steps}"
            )
        return self

    def _is_of_images(self) -> None:
        """Refuse what is made for images where the data are points."""
        if self.data.shape.is_image:
            return
        if self.data.flip:
            raise ValueError("data.flip: read true, expected false: points have no mirror image")
        if self.schedule.evaluate_every:
            raise ValueError(
                f"schedule.evaluate_every: read {self.schedule.evaluate_every}, expected 0: points "
                "are scored at every preview"
            )

    def players(self) -> dict[str, PlayerSpec]:
        """The players' settings, under the names the networks have in a state."""
        found: dict[str, PlayerSpec] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
        }
        return found | ({} if self.reconstructor is None else {"reconstructor": self.reconstructor})

    def _labels_reach_both(self) -> None:
        asked = self.generator.network.condition != "none"
        judged = self.discriminator.network.condition != "none" or LABEL in self.heads
        if asked and not judged:
            raise ValueError(
                "discriminator.network.condition: read none, expected concat, or an "
                "objective.class_loss: nobody would judge the labels the generator is asked for"
            )
        if judged and not asked:
            raise ValueError(
                "generator.network.condition: read none, expected concat or norm: the "
                "discriminator judges labels, which its fakes would not have"
            )

    def _latents_fit(self) -> None:
        network, objective, prior = self.generator.network, self.objective, self.prior
        misfed = network.misfed(prior)
        if misfed:
            raise ValueError(f"generator.network: {misfed}")
        if objective.mutual_information and not (prior.categories or prior.codes):
            raise ValueError(
                "objective.mutual_information: read prior.categories = 0 and prior.codes = 0, "
                "expected one at least: there is nothing to find again"
            )
        layered = [name for name, term in objective.terms().items() if term.needs_bases()]
        if layered and not prior.levels:
            raise ValueError(
                f"objective.{layered[0]}: read prior.levels = none, expected a generator of family "
                "eigen: it is about the directions of its layers"
            )

    @property
    def classes(self) -> int:
        """How many labels are dealt and may be asked for; 0: the model knows none."""
        return self.data.shape.classes if self.generator.network.condition != "none" else 0

    @property
    def heads(self) -> dict[str, int]:
        """What the discriminator says beside its logit."""
        return self.objective.heads(self.data.shape, self.prior)

    @property
    def judged_noise(self) -> int:
        """How many numbers of noise the discriminator judges beside each sample."""
        return 0 if self.reconstructor is None else self.prior.z_dim

    def deviations_in_force(self) -> dict[str, Deviation]:
        """The fields whose values differ from the paper's."""
        values = leaves(self.model_dump(mode="json"))

        def holds(path: str) -> object:
            return ABSENT if values.get(path) is None else values[path]

        return {path: said for path, said in self.deviations.items() if holds(path) != said.paper}

    @property
    def average_kept(self) -> bool:
        """Whether an exponential moving average of the generator is kept."""
        return self.schedule.ema_decay > 0


def leaves(table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """A nested table as one, its keys joined by dots; a table's own path holds it whole, too."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat[f"{path}{key}"] = value
        if isinstance(value, Mapping):
            flat |= leaves(value, f"{path}{key}.")
    return flat
