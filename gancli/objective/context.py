"""What a turn sees, and what each of its terms may look at.

A pass of the discriminator moves batch-norm statistics and spectral-norm vectors, so which passes
happen, and in which order, is part of the result. Therefore a term declares what it reads; the turn
makes the union of what its terms read, in the turn's own order, before the first of them is
evaluated; and a context refuses what its term has not declared.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import torch
from torch import Tensor

from gancli.errors import UsageError
from gancli.settings import Settings
from gancli.types import DiscriminatorNet, DiscriminatorOutput, Draws, Latent, Players, Sample

Side = Literal["discriminator", "generator", "joint"]
"""Whose loss a summand belongs to; joint: a turn of its own, in which both step."""
Read = Literal["real", "fake", "real_output", "fake_output", "real_gradient", "fake_gradient"]
"""Samples, the discriminator's output on them, and that output differentiable in the samples, which
is computed in full precision and includes the first two."""
TermState = Mapping[str, Tensor]
"""A term's own numbers, by name; scalars."""
Present = TypeVar("Present")

INCLUDES: dict[str, frozenset[Read]] = {
    "real": frozenset({"real", "real_output", "real_gradient"}),
    "fake": frozenset({"fake", "fake_output", "fake_gradient"}),
    "real_output": frozenset({"real_output", "real_gradient"}),
    "fake_output": frozenset({"fake_output", "fake_gradient"}),
}
"""The values that a context shows, each with the declarations that allow it."""
STREAMS = {"gradient_penalty.mix": "mix"}
"""Draws whose stream had its name before terms gave theirs; another one would change results."""


class View(Settings):
    """How the discriminator sees every sample, real or generated, in every pass."""

    def show(self, x: Tensor, draws: "NamedDraws") -> Tensor:
        """The samples as shown, of the same shape, (B, *x), differentiable in `x`."""
        raise NotImplementedError

    def equation(self) -> str:
        """The view in symbols."""
        raise NotImplementedError

    def needs_images(self) -> bool:
        """Whether it makes no sense for points."""
        return False

    def needs_signed(self) -> bool:
        """Whether it takes 0 for the grey between black and white, as it is in [-1, 1]."""
        return False


class NamedDraws:
    """The random numbers of one term or view in one turn; each use has a name of its own."""

    def __init__(self, draws: Draws, owner: str, drawn: set[str]) -> None:
        self._draws = draws
        self._owner = owner
        self._drawn = drawn

    def uniform(self, name: str, rows: int | None, *shape: int) -> Tensor:
        """Numbers uniform on [0, 1).

        Args:
            name: what for; another name gives other numbers.
            rows: one for each sample of a batch of this size, (rows, *shape); None: a single one
                for the whole batch, (1, *shape), the same in every process.
            shape: of each.

        Raises:
            ValueError: the name was used in this turn.
        """
        return self._draws.uniform(self._stream(name), rows, *shape)

    def normal(self, name: str, like: Tensor) -> Tensor:
        """Standard normal numbers, a row of `like` for each sample; arguments as for `uniform`."""
        return self._draws.normal(self._stream(name), like)

    def _stream(self, name: str) -> str:
        stream = f"{self._owner}.{name}"
        if stream in self._drawn:
            raise ValueError(f"{stream} is drawn twice in a turn: give each draw its own name")
        self._drawn.add(stream)
        return STREAMS.get(stream, stream)


@dataclass
class Scene:
    """One turn's samples and outputs, shared by its terms; None where no term reads them."""

    players: Players
    draws: Draws
    real: Sample | None = None
    fake: Sample | None = None
    """carries the generator's graph where the generator steps"""
    real_output: DiscriminatorOutput | None = None
    fake_output: DiscriminatorOutput | None = None
    latent: Latent | None = None
    """what the fakes were made of; None: as drawn for this turn"""
    views: Mapping[str, View] = field(default_factory=dict)
    states: Mapping[str, TermState] = field(default_factory=dict)
    """each term's state before the turn"""
    seen: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    """what each term observed"""
    drawn: set[str] = field(default_factory=set)
    """names of the random numbers drawn so far"""
    over_processes: Callable[[Tensor], Tensor] = lambda x: x
    """the mean of each number over the processes that share the batch, with its graph"""

    def shown(self, sample: Sample, name: str) -> Sample:
        """The sample as the discriminator sees it, through the views."""
        for view_name, view in self.views.items():
            draws = NamedDraws(self.draws, f"{view_name}.{name}", self.drawn)
            sample = sample._replace(x=view.show(sample.x, draws))
        return sample


class Context:
    """A turn as one term sees it."""

    def __init__(self, scene: Scene, term: str, side: Side, reads: frozenset[Read]) -> None:
        self._scene = scene
        self._term = term
        self._side = side
        self._reads = reads
        self.draws = NamedDraws(scene.draws, term, scene.drawn)
        """this term's random numbers"""

    @property
    def players(self) -> Players:
        """All networks."""
        return self._scene.players

    @property
    def real(self) -> Sample:
        """The turn's real samples."""
        return self._read("real", self._scene.real)

    @property
    def fake(self) -> Sample:
        """The turn's generated samples; they carry the generator's graph where it steps."""
        return self._read("fake", self._scene.fake)

    @property
    def real_output(self) -> DiscriminatorOutput:
        """The discriminator's output on the reals; logits in float32 at least."""
        return self._read("real_output", self._scene.real_output)

    @property
    def fake_output(self) -> DiscriminatorOutput:
        """The discriminator's output on the fakes; logits in float32 at least."""
        return self._read("fake_output", self._scene.fake_output)

    @property
    def latent(self) -> Latent:
        """What the fakes were made of."""
        known = self._scene.latent
        return self._scene.draws.latent() if known is None else known

    @property
    def state(self) -> TermState:
        """The term's own state as it was before the turn; `Term.advance` moves it."""
        return self._scene.states.get(self._term, {})

    def judge(self, sample: Sample, name: str) -> DiscriminatorOutput:
        """A further pass of the discriminator, through the views, in full precision.

        It moves batch-norm statistics and spectral-norm vectors once more.

        Args:
            sample: what to judge.
            name: of the pass, among the term's.
        """
        shown = self._scene.shown(sample, f"{self._term}.{name}")
        return judge_in_full_precision(self.players.discriminator, shown)

    def brightness(self, x: Tensor) -> Tensor:
        """Samples as a network has them, in numbers from 0 (black) to 1, in float32 at least."""
        black, white = self._scene.draws.black_and_white
        return (wide(x) - black) / (white - black)

    def batch_mean(self, x: Tensor) -> Tensor:
        """The mean over the whole batch, of which each process has a part; with its graph.

        A summand in which such a mean stands within something else (a square, a softplus) is that
        of the whole batch in every process.

        Args:
            x: one row per sample of this process, (B, ...).

        Returns:
            the mean row, (...), the same in every process.
        """
        return self._scene.over_processes(x.mean(0))

    def observe(self, name: str, value: Tensor) -> None:
        """Log a measure of the turn, and pass it on to `Term.advance`.

        Args:
            name: of the measure, among the term's.
            value: a scalar tensor, () in shape; take the mean over the batch yourself.

        Raises:
            UsageError: it is something else.
        """
        refuse_unless_scalar(value, f"{self._term}.observe({name!r}, ...)")
        self._scene.seen.setdefault(self._term, {})[name] = value.detach()

    def _read(self, name: str, found: Present | None) -> Present:
        if not self._reads & INCLUDES[name] or found is None:
            raise UsageError(
                f"{self._term} reads {name}, which it does not declare: add it to what its "
                f"reads() returns for the {self._side}'s side"
            )
        return found


def refuse_unless_scalar(value: object, what: str) -> None:
    """Refuse what is not a tensor of shape ().

    Raises:
        UsageError: it is not.
    """
    if isinstance(value, Tensor) and not value.dim():
        return
    found = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
    raise UsageError(f"{what} must be a scalar tensor, and is {found}: take its mean, e.g. .mean()")


def widened(sample: Sample) -> Sample:
    """The sample as a leaf that wants a gradient, in float32 at least."""
    return sample._replace(x=wide(sample.x.detach()).requires_grad_(True))


def wide(x: Tensor) -> Tensor:
    """Half types as float32; others as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def judge_in_full_precision(discriminator: DiscriminatorNet, sample: Sample) -> DiscriminatorOutput:
    """The output on a widened sample, outside autocast."""
    with torch.autocast(sample.x.device.type, enabled=False):
        return discriminator(sample)


def input_gradient(output: DiscriminatorOutput, sample: Sample) -> Tensor:
    """d(sum of logits)/dx, differentiable again: a row for each logit, (number of logits, D).

    A discriminator that judges several samples at once has fewer logits than samples, and the norm
    of its gradient runs over all of them.
    """
    with torch.autocast(sample.x.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(output.logit.sum(), sample.x, create_graph=True)
    return gradient.reshape(len(output.logit), -1)
