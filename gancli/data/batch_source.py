"""Deals batches, latents and mixing numbers, from data on the device or on their way to it.

Every draw is a function of (seed, purpose, step, turn) and of how often the run was rolled back, so
a run can start again at any step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from gancli.data.dataset import Dataset, DataSpec
from gancli.data.loader import Loader, fits, pins
from gancli.errors import DataError
from gancli.parallel import World
from gancli.plurals import counted
from gancli.prior import Prior
from gancli.rng import stream
from gancli.types import GeneratorNet, Latent, Sample

MAX_FAKES_PER_PASS = 2048
"""Most fakes of one pass: more would take memory and save no time."""


def batches_in_epoch(samples: int, batch_size: int, *, partial: bool) -> int:
    """How many real batches deal every sample once; a last, smaller one only if `partial`."""
    return samples // batch_size + (partial and samples % batch_size > 0)


class BatchSource:
    """A shuffled, endless supply of real batches, latents and labels.

    Reals have labels where the generator may be asked for classes, or where `labelled` says so. The
    data are on the device where they fit (`resident` overrides that), and come batch by batch
    elsewhere; the batches are the same.

    Raises:
        DataError: the data set is smaller than one batch.
        UsageError: the batch does not divide among the processes.
    """

    def __init__(
        self,
        data: Dataset,
        spec: DataSpec,
        prior: Prior,
        *,
        batch_size: int,
        generator_batch_size: int | None = None,
        seed: int,
        device: torch.device,
        dtype: torch.dtype,
        world: World,
        classes: int = 0,
        labelled: bool = False,
        resident: bool | None = None,
        partial: bool = False,
    ) -> None:
        self.spec = spec
        self.prior = prior
        self.seed = seed
        self.device = device
        self.dtype = dtype
        self.world = world
        self.classes = classes
        """how many the generator may be asked for; 0: none"""
        self.count = len(data)
        wanted = data.labels if classes or labelled else None
        self.labels = None if wanted is None else wanted.to(device)
        self.batch_size = batch_size
        rest = self.count % batch_size if partial else 0
        self.batches_per_epoch = batches_in_epoch(self.count, batch_size, partial=partial)
        self._refuse((batch_size, generator_batch_size or batch_size, rest))
        self._order_of = lru_cache(2)(self._shuffled)
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.int64)
        self.x: Tensor | None = None
        """all samples, on the device; None: a loader brings them"""
        if fits(data.x, device) if resident is None else resident:
            self.x = data.x.to(device)
        else:
            self.loader = Loader(data.x, self._rows, pinned=pins(device))
        self.ahead: dict[tuple[int, int], Sample] = {}
        """fakes made for turns to come, by step and turn"""
        self.rollbacks = 0
        """how often the run went back; each time it goes on with fresh draws"""

    def draw_afresh(self, rollbacks: int) -> None:
        """Draw as a run does after this many rollbacks, and forget the draws made ahead.

        The epoch at hand goes on in another order, in which some of its samples may come twice.
        """
        self.rollbacks = rollbacks
        self._order_of.cache_clear()
        self._epoch = -1
        self.ahead.clear()
        if self.x is None:
            self.loader.forget()

    def _refuse(self, sizes: Iterable[int]) -> None:
        """Refuse batches of these sizes if they cannot be dealt."""
        if self.count < self.batch_size:
            raise DataError(
                f"the data set has {counted(self.count, 'sample')}, fewer than a batch of "
                f"{self.batch_size:,}: "
                "choose a smaller batch with --set schedule.batch_size="
            )
        for size in sizes:
            self.world.slice_of(size)

    def hand(
        self,
        step: int,
        turn: int,
        batch: int | None,
        batch_size: int | None = None,
        *,
        more: int = 0,
        real_labels: bool = False,
    ) -> "TurnDraws":
        """What one turn may draw.

        Args:
            step: the step, from 0.
            turn: its place in the step, from 0.
            batch: how many real batches were taken before it; None: it has none.
            batch_size: how many latents; None: as many as that batch has samples.
            more: how many turns follow before the generator changes, each with the next batch.
            real_labels: whether its fakes are asked to show that batch's classes.
        """
        size = batch_size or (self.batch_size if batch is None else self.size(batch))
        return TurnDraws(self, step, turn, batch, size, more, real_labels)

    def size(self, index: int) -> int:
        """How many samples the index-th real batch has, all processes together."""
        _, part = self._place(index)
        return int(min(part.stop, self.count) - part.start)

    def batch(self, index: int) -> Tensor:
        """Indices of the index-th real batch: epochs without replacement."""
        epoch, part = self._place(index)
        if epoch != self._epoch:
            self._order, self._epoch = self.send(self._order_of(epoch)), epoch
        return self._order[part]

    def samples(self, index: int) -> Tensor:
        """This process's share of the index-th real batch, as it is stored, on the device."""
        if self.x is None:
            return self.loader.batch(index).to(self.device, non_blocking=True)
        return self.x[self.batch(index)[self.world.slice_of(self.size(index))]]

    def _place(self, index: int) -> tuple[int, slice]:
        """The epoch of a batch, and its slice of the epoch's order."""
        epoch, place = divmod(index, self.batches_per_epoch)
        return epoch, slice(place * self.batch_size, (place + 1) * self.batch_size)

    def _shuffled(self, epoch: int) -> Tensor:
        drawn = stream(self.seed, "shuffle", epoch, rollbacks=self.rollbacks)
        return torch.from_numpy(drawn.permutation(self.count))

    def _rows(self, index: int) -> Tensor:
        epoch, part = self._place(index)
        return self._order_of(epoch)[part][self.world.slice_of(self.size(index))]

    def send(self, drawn: Tensor) -> Tensor:
        """What the processor drew, on its way to the device; the processor does not wait."""
        if not pins(self.device):
            return drawn.to(self.device)
        return drawn.pin_memory().to(self.device, non_blocking=True)


def made_together(generator: GeneratorNet, latents: Sequence[Latent]) -> list[Sample]:
    """The samples of each of these batches of latents, made in one pass, without its graph."""
    with torch.no_grad():
        made = generator(Latent.joined(latents))
    each = torch.split(made, [len(latent.z) for latent in latents])
    return [Sample.made(x, latent) for x, latent in zip(each, latents, strict=True)]


@dataclass(frozen=True)
class TurnDraws:
    """One turn's draws; this process's share of the global batch."""

    deck: BatchSource
    step: int
    turn: int
    batch: int | None
    batch_size: int
    more: int = 0
    real_labels: bool = False

    @property
    def black_and_white(self) -> tuple[float, float]:
        """What the darkest and the lightest grey level are to a network."""
        return self.deck.spec.black_and_white

    @property
    def sizes(self) -> tuple[int, int | None]:
        """How many latents it draws, and how many reals."""
        return self.batch_size, None if self.batch is None else self.deck.size(self.batch)

    def real(self) -> Sample:
        """Real samples of shape (B, *x), in the range and mirrored and noised as the data say."""
        deck = self.deck
        batch = self._dealt()
        x = deck.spec.to_network(deck.samples(batch), deck.dtype)
        if deck.spec.flip:
            mirrored = self.uniform("flip", len(x), 1, 1, 1) < 0.5
            x = torch.where(mirrored, x.flip(-1), x)
        if deck.spec.noise:
            x = x + deck.spec.noise * self.uniform("noise", *x.shape)
        return Sample(x, label=None if deck.labels is None else deck.labels[self._index()])

    def latent(self) -> Latent:
        """Fresh latents, one per sample of the batch."""
        deck, share = self.deck, self.deck.world.slice_of(self.batch_size)
        drawn = deck.prior.draw(self.batch_size, self._stream("latent"))
        own = drawn.each(lambda part: part[share]).to(torch.device("cpu"), deck.dtype)
        latent = own.each(deck.send)
        return latent._replace(label=self._asked(share)) if deck.classes else latent

    def _asked(self, share: slice) -> Tensor:
        """The labels asked for: the real batch's where the prior says so, else fresh ones."""
        deck = self.deck
        wanted = self.real_labels or deck.prior.fake_labels == "real"
        if wanted and self.batch is not None and deck.labels is not None:
            return deck.labels[self._index()]
        drawn = self._stream("label").integers(deck.classes, size=self.batch_size)
        return deck.send(torch.from_numpy(drawn)[share])

    def _index(self) -> Tensor:
        """The indices of this process's share of the turn's real batch."""
        batch = self._dealt()
        return self.deck.batch(batch)[self.deck.world.slice_of(self.deck.size(batch))]

    def _dealt(self) -> int:
        """Which real batch is this turn's.

        Raises:
            ValueError: the turn deals no real samples.
        """
        if self.batch is None:
            raise ValueError(f"turn {self.turn} deals no real samples")
        return self.batch

    def fake(self, generator: GeneratorNet) -> Sample:
        """The generator's samples of this turn's latents.

        Where nothing couples them, one pass makes those of the turns that follow, too.
        """
        ahead = self.deck.ahead
        if self.turn == 0:
            ahead.clear()
        if (self.step, self.turn) not in ahead:
            fakes = made_together(generator, self.latents_of_pass(generator))
            ahead |= {(self.step, self.turn + later): fake for later, fake in enumerate(fakes)}
        return ahead.pop((self.step, self.turn))

    def latents_of_pass(self, generator: GeneratorNet) -> list[Latent]:
        """This turn's latents, and those of the turns that follow whose fakes one pass makes."""
        room = max(MAX_FAKES_PER_PASS // self.batch_size, 1) if generator.is_per_sample else 1
        hands = [self._later(turns) for turns in range(min(self.more + 1, room))]
        return [hand.latent() for hand in hands]

    def _later(self, turns: int) -> "TurnDraws":
        """The draws of the turn this many turns later, when each turn takes a real batch."""
        if self.batch is None or not turns:
            return replace(self, turn=self.turn + turns)
        batch = self.batch + turns
        return replace(self, turn=self.turn + turns, batch=batch, batch_size=self.deck.size(batch))

    def uniform(self, purpose: str, rows: int | None, *shape: int) -> Tensor:
        """Numbers uniform on [0, 1): one for each of this process's `rows` samples,
        (rows, *shape); or a single one that all processes share, (1, *shape)."""
        count, share = self._among(1 if rows is None else rows, shared=rows is None)
        drawn = self._stream(purpose).random((count, *shape), dtype=np.float32)
        return self.deck.send(torch.from_numpy(drawn)[share].to(self.deck.dtype))

    def normal(self, purpose: str, like: Tensor) -> Tensor:
        """Standard normal numbers, one row of `like` per sample of this process."""
        count, share = self._among(len(like))
        drawn = self._stream(purpose).standard_normal((count, *like.shape[1:]), dtype=np.float32)
        return self.deck.send(torch.from_numpy(drawn)[share].to(like.dtype))

    def _among(self, rows: int, *, shared: bool = False) -> tuple[int, slice]:
        """How many rows all processes draw, and which are this one's."""
        count = rows if shared else rows * self.deck.world.size
        return count, slice(None) if shared else self.deck.world.slice_of(count)

    def _stream(self, purpose: str) -> np.random.Generator:
        deck = self.deck
        return stream(deck.seed, purpose, self.step, self.turn, rollbacks=deck.rollbacks)
