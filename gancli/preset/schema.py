"""The schema of a resolved preset: everything a run depends on, but for its seed."""

from collections.abc import Mapping

from pydantic import Field, ValidationInfo, model_validator

from gancli.catalog.fields import leaves
from gancli.data import AnyData
from gancli.networks import GENERATORS, families
from gancli.objective import Objective
from gancli.objective.auxiliary import LABEL
from gancli.objective.turn_settings import SIDES, Turns
from gancli.optimizers import AnyOptimizer
from gancli.plurals import counted
from gancli.preset.epochs import steps_in_epochs
from gancli.preset.idle import is_lenient, refuse_idle
from gancli.preset.origin import FOLDER_NAME, Origin
from gancli.preset.players import (
    DiscriminatorPlayer,
    GeneratorPlayer,
    PlayerSpec,
    ReconstructorPlayer,
)
from gancli.preset.published import ABSENT, Deviation, Published
from gancli.preset.schedule import Schedule
from gancli.preset.turns_fit import chooses_number_of_fakes, turns_misfit
from gancli.prior import Prior
from gancli.settings import Settings


class Preset(Settings):
    """A resolved preset; it trains as it stands."""

    name: str = Field(pattern=FOLDER_NAME)
    """names the run's folder"""
    summary: str = ""
    """what the paper changed, or what the variant is, in a sentence"""
    paper: str = ""
    source: str | None = None
    """where the variant's settings come from, if not from the paper"""
    dataset: str = Field(pattern=FOLDER_NAME)
    variant: str = "reference"
    data: AnyData
    prior: Prior
    generator: GeneratorPlayer
    discriminator: DiscriminatorPlayer
    reconstructor: ReconstructorPlayer | None = None
    objective: Objective
    turns: Turns = Turns()
    schedule: Schedule
    started_from: Origin | None = None
    """the checkpoint whose weights it starts with; none: weights as its networks draw them"""
    deviations: dict[str, Deviation] = Field(default_factory=dict)
    """field -> the paper's value for it"""
    expected: Published | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "Preset":
        misjudges = self.discriminator.network.misjudges(z_dim=self.judged_noise, heads=self.heads)
        if misjudges:
            raise ValueError(f"discriminator.network: {misjudges}")
        for role, player in self.players().items():
            misfit = player.network.misfit(self.data.shape)
            if misfit:
                raise ValueError(f"{role}.network: {misfit}")
        self._labels_reach_both()
        self._latents_fit()
        self._turns_fit()
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
                    f"schedule.{name} is 1, and must be 2 or more: batch norm needs them"
                )
        self._is_of_images()
        return self

    @model_validator(mode="after")
    def _lasts(self) -> "Preset":
        """The preset, the steps of its epochs counted where they are not."""
        schedule, found = self.schedule, self
        epochs = schedule.epochs
        if epochs is not None:
            steps = self._steps_in(epochs)
            if "steps" not in schedule.model_fields_set:
                schedule = schedule.model_copy(update={"steps": steps})
                found = self.model_copy(update={"schedule": schedule})
            elif schedule.steps != steps:
                raise ValueError(
                    f"schedule.epochs: {counted(epochs, 'epoch')} make "
                    f"{counted(steps, 'step')}, and schedule.steps is {schedule.steps:,}: leave "
                    "one of the two out"
                )
        start = schedule.lr_decay_start
        if start is not None and start >= schedule.steps:
            raise ValueError(
                f"schedule.lr_decay_start is {start}, and must be less than "
                f"schedule.steps = {schedule.steps}"
            )
        return found

    def _steps_in(self, epochs: int) -> int:
        samples = self.data.sample_count
        if samples is None:
            raise ValueError(
                "schedule.epochs: how many images there are is not known here: name them with "
                "--dataset PATH, set data.image_count, or set schedule.steps instead"
            )
        return steps_in_epochs(epochs, self.schedule, self.turns, self.objective, samples)

    @model_validator(mode="after")
    def _says_nothing_idle(self, info: ValidationInfo) -> "Preset":
        if not is_lenient(info.context):
            refuse_idle(self)
        return self

    def idle(self) -> Mapping[str, str]:
        """Fields that change nothing as fields of other tables stand."""
        found: dict[str, str] = {}
        if not self.heads:
            fields = self.discriminator.network.head_fields
            found |= {f"discriminator.network.{f}": "no term asks for heads" for f in fields}
        for name, term in self.objective.terms().items():
            own = term.idle_with(self.prior).items()
            found |= {f"objective.{name}.{field}": why for field, why in own}
        if not self.classes:
            found["prior.fake_labels"] = "the generator is not told classes"
        elif not self._asks_for_labels_of_the_prior:
            found["prior.fake_labels"] = "no turn with a real batch chooses labels for new fakes"
        if self.prior.fake_labels == "real":
            found["turns.discriminator.labels"] = "prior.fake_labels = real says the same"
        if not chooses_number_of_fakes(self.turns, self.objective):
            found["schedule.generator_batch_size"] = (
                "every turn takes over the fakes of another, or has as many as reals"
            )
        if not self.discriminator.network.remembers_passes:
            sides = [f"turns.{side}.judged_first" for side in SIDES]
            found |= dict.fromkeys(sides, "the discriminator has no norm that remembers passes")
        return found

    @property
    def _asks_for_labels_of_the_prior(self) -> bool:
        """Whether a turn that has a real batch asks fresh fakes for labels as the prior says."""
        turns, reads = self.turns, self.objective.reads
        made = [turns.of(side) for side in SIDES if turns.has_real(side, reads(side))]
        return any(turn.fakes == "fresh" and turn.labels == "prior" for turn in made)

    def _is_of_images(self) -> None:
        """Refuse settings that are made for images where the data are points.

        Some are made for images whose pixels have a range of their own, too.
        """
        if self.data.shape.is_image:
            signed = [n for n, v in self.objective.views().items() if v.needs_signed()]
            if signed and not self.data.is_signed:
                raise ValueError(
                    f"objective.{signed[0]}: it changes pixels in [-1, 1], and data.range is unit: "
                    "leave it out, or set data.range to signed"
                )
            return
        made_for_images = [n for n, v in self.objective.views().items() if v.needs_images()]
        if made_for_images:
            raise ValueError(f"objective.{made_for_images[0]}: it changes images, not points")
        if self.data.flip:
            raise ValueError("data.flip is true, and must be false: points have no mirror image")
        if self.schedule.evaluate_every:
            raise ValueError(
                f"schedule.evaluate_every is {self.schedule.evaluate_every}, and must be 0: points "
                "are scored at every preview"
            )

    def players(self) -> dict[str, PlayerSpec]:
        """The players' settings, under the names the networks have in a state."""
        found: dict[str, PlayerSpec] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
        }
        return found | ({} if self.reconstructor is None else {"reconstructor": self.reconstructor})

    def optimizers(self) -> dict[str, AnyOptimizer]:
        """The optimisers, by player, and by TURN.PLAYER where a turn has some of its own."""
        found = {name: player.optimizer for name, player in self.players().items()}
        own = self.turns.joint.optimizer
        if own is not None:
            found |= {f"joint.{player}": own for player in ("generator", "discriminator")}
        return found

    @property
    def batches_per_step(self) -> int:
        """How many real batches a step takes that is not warmed up."""
        objective = self.objective
        taking = [side for side in SIDES if self.turns.takes(side, objective.reads(side))]
        steps = self.schedule.discriminator_steps
        return sum(steps if side == "discriminator" else 1 for side in taking)

    def _turns_fit(self) -> None:
        misfit = turns_misfit(
            self.turns,
            self.objective,
            generator_batch_size=self.schedule.generator_batch_size,
            partial_batches=self.schedule.partial_batches,
            classes=self.classes,
        )
        if misfit:
            raise ValueError(misfit)

    def _labels_reach_both(self) -> None:
        asked = self.generator.network.takes_labels
        judged = self.discriminator.network.takes_labels or LABEL in self.heads
        if asked and not judged:
            raise ValueError(
                "the generator is asked for labels that the discriminator does not judge: set "
                "discriminator.network.condition, e.g. to projection, or add objective.class_loss"
            )
        if judged and not asked:
            raise ValueError(
                "the discriminator judges labels, which its fakes would not have: set "
                "generator.network.condition to concat or norm"
            )

    def _latents_fit(self) -> None:
        network, objective, prior = self.generator.network, self.objective, self.prior
        misfed = network.misfed(prior)
        if misfed:
            raise ValueError(f"generator.network: {misfed}")
        misfit = objective.misfit(self.data.shape, prior)
        if misfit:
            raise ValueError(f"objective.{misfit}")
        layered = [name for name, term in objective.terms().items() if term.needs_bases()]
        if layered and not prior.levels:
            raise ValueError(
                f"objective.{layered[0]} is about the directions of a generator's layers, and this "
                "one has none: take it out, or choose a generator of "
                f"{families(GENERATORS, lambda spec: spec.takes_levels)} with prior.levels"
            )

    @property
    def classes(self) -> int:
        """How many classes the generator may be asked for; 0: it knows none."""
        return self.data.shape.classes if self.generator.network.takes_labels else 0

    @property
    def category_names(self) -> tuple[str, ...]:
        """The classes that the prior's categories are taught to be; empty: none in particular."""
        return self.data.class_names if self.objective.names_categories() else ()

    @property
    def heads(self) -> dict[str, int]:
        """The outputs of the discriminator in addition to its logit."""
        return self.objective.heads(self.data.shape, self.prior)

    @property
    def judged_noise(self) -> int:
        """How many numbers of noise the discriminator judges together with each sample."""
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
