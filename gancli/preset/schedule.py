"""The schedule of training: steps, batches, learning rates, the average, and when to write files.

Everything here is a function of the step, so a resumed run needs no other state.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from gancli.plurals import counted
from gancli.score_words import score_meant
from gancli.scores import ranking_scores, ranks
from gancli.settings import Settings

Decay = Annotated[float, Field(ge=0, lt=1)]
MOST_STEPS = 1_000_000_000
Count = Annotated[int, Field(gt=0, le=MOST_STEPS)]
Epochs = Annotated[int, Field(gt=0, le=100_000)]
Minutes = Annotated[float, Field(gt=0, le=1_000_000)]
TurnCount = Annotated[int, Field(gt=0, le=10_000)]
"""Turns of one step; limited, because its plan lists them one by one."""


def _ranking_score(typed: str) -> str:
    name = score_meant(typed)
    if not ranks(name):
        raise PydanticCustomError(
            "unknown_score",
            "one of {scores}, or one that a plugin brings (--plugin FILE)",
            {"scores": ", ".join(ranking_scores())},
        )
    return name


SelectionScore = Annotated[str, AfterValidator(_ranking_score)]
"""A score by which one checkpoint is better than another."""


LOOKS_PER_PREVIEW = 4
UNCOUNTED = MOST_STEPS
"""What `steps` is while the steps of the epochs are not counted."""


class Warmup(Settings):
    """Extra discriminator turns, as in Arjovsky et al.'s code."""

    steps: TurnCount
    """discriminator turns in a step that is warmed up"""
    first: int = Field(default=0, ge=0)
    """the first steps are warmed up"""
    every: int = Field(default=0, ge=0)
    """every such step is warmed up; 0: none"""


class Schedule(Settings):
    """How long, how often, how many. A step is one update of the generator."""

    epochs: Epochs | None = None
    """passes through the data, in place of `steps`, which then says how many updates they are"""
    steps: Count = Field(default=None, validate_default=True)
    """generator updates"""
    batch_size: Count
    """samples of each kind in a turn"""
    generator_batch_size: Count | None = None
    """fakes in the generator's turn, where it differs from `batch_size`"""
    partial_batches: bool = False
    """whether an epoch ends with a smaller batch of the rest; otherwise the rest is dropped"""
    discriminator_steps: TurnCount = 1
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
    """steps between two previews; the first is of step 0"""
    min_previews: int = Field(default=24, ge=0, le=10_000)
    """previews after that of step 0, at least: where `preview_every` gives fewer, there are more in
    between, as pictures for films; nothing is counted or logged of those"""
    health_every: int | None = Field(default=None, ge=0, le=1_000_000_000)
    """steps between two looks at a few hundred samples, for `health.` measures and verdicts; none:
    a quarter of `preview_every`, in whole `log_every`; 0: no looks"""
    checkpoint_every: Count = 1000
    """steps between two checkpoints"""
    checkpoint_minutes: Minutes | None = None
    """longest time between two checkpoints, in minutes of wall time; no number changes"""
    keep_newest: Count = 2
    """how many of the newest checkpoints are kept"""
    keep_every: Count | None = None
    """also keep the checkpoints of every such step"""
    evaluate_every: int = Field(default=0, ge=0, le=1_000_000_000)
    """steps between two evaluations, each of a checkpoint of its own; the last step is evaluated,
    too; 0: no evaluations"""
    evaluate_count: Count = 10_000
    """images generated for each evaluation"""
    evaluate_by: SelectionScore = "fid"
    """the score whose best checkpoint is kept"""

    @field_validator("steps", mode="before")
    @classmethod
    def _has_a_length(cls, steps: object, info: ValidationInfo) -> object:
        """Only epochs may stand in for steps; the preset, which knows the data, counts them."""
        if steps is not None:
            return steps
        if info.data.get("epochs", UNCOUNTED) is None:
            raise PydanticKnownError("missing")
        return UNCOUNTED

    def idle(self) -> Mapping[str, str]:
        """Fields about an average or about evaluations, where there are none."""
        found = {} if self.ema_decay else {"ema_warmup": "schedule.ema_decay = 0"}
        evaluation = dict.fromkeys(("evaluate_count", "evaluate_by"), "schedule.evaluate_every = 0")
        return found if self.evaluate_every else found | evaluation

    @property
    def length(self) -> str:
        """How long training takes, in words: steps, and the epochs they are counted for."""
        steps = counted(self.steps, "step")
        return steps if self.epochs is None else f"{counted(self.epochs, 'epoch')} = {steps}"

    @property
    def epochs_in_brackets(self) -> str:
        """What follows a number of steps, in words; empty where the schedule is not in epochs."""
        return "" if self.epochs is None else f" ({counted(self.epochs, 'epoch')})"

    @property
    def looks_every(self) -> int:
        """Steps between two looks at samples; 0: there are none."""
        if self.health_every is not None:
            return self.health_every
        lines = self.preview_every // LOOKS_PER_PREVIEW // self.log_every
        return self.log_every * max(1, lines)

    def looks_at(self, step: int) -> bool:
        """Whether samples are measured after this step; after the last, too, but in short runs."""
        every = self.looks_every
        return every > 0 and step >= every and (step % every == 0 or step == self.steps)

    def previews_at(self, step: int) -> bool:
        """Whether there is a preview of the state after this step; of the last there always is."""
        if step == 0:
            return self.min_previews > 0 or self.preview_every <= self.steps
        return step == self.steps or self._previews_to(step) > self._previews_to(step - 1)

    def counts_at(self, step: int) -> bool:
        """Whether the preview of this step is one of which scores are logged.

        Verdicts are given on a number of counts: those of further previews would hasten them.
        """
        return step % self.preview_every == 0 or step == self.steps

    @property
    def preview_count(self) -> int:
        """How many previews the whole schedule has."""
        return int(self.previews_at(0)) + self._previews_to(self.steps - 1) + 1

    def _previews_to(self, step: int) -> int:
        """How many previews are due up to a step, that of step 0 left out.

        Every `preview_every` is parted evenly, as far as whole steps can be.
        """
        wanted = -(-self.min_previews * self.preview_every // self.steps)
        parts = min(self.preview_every, max(1, wanted))
        return step * parts // self.preview_every

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
        first, every = min(self.warmup.first, step), self.warmup.every
        warm = first + (len(range(0, step, every)) - len(range(0, first, every)) if every else 0)
        return warm * self.warmup.steps + (step - warm) * self.discriminator_steps

    def lr_factor(self, step: int) -> float:
        """The factor of every learning rate at this step."""
        if self.lr_decay_start is None or step < self.lr_decay_start:
            return 1.0
        return (self.steps - step) / (self.steps - self.lr_decay_start)

    def ema_decay_at(self, step: int) -> float:
        """The decay of the average at this step's update (0 is the first)."""
        if not self.ema_warmup:
            return self.ema_decay
        return min(self.ema_decay, (2 + step) / (11 + step))
