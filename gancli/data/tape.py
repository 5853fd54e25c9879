"""The draws of a step's turns as a list of tensors, so that a step is a function of tensors."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from gancli.data.batch_source import TurnDraws, made_together
from gancli.types import GeneratorNet, Latent, Sample


class Asked(NamedTuple):
    """What a turn asked of its draws."""

    turn: int
    """its place in the step"""
    what: str
    """the method of `TurnDraws`"""
    arguments: tuple[Any, ...]

    def of(self, hands: Sequence[TurnDraws]) -> Any:  # noqa: ANN401
        """The same, of a step's draws."""
        return getattr(hands[self.turn], self.what)(*self.arguments)


Answer = Callable[[Asked], Any]


class Tape:
    """What the turns of one kind of step ask of their draws, in their order."""

    def __init__(self) -> None:
        self._asked: list[Asked] = []
        self._recorded: list[Any] = []

    def record(self, hands: Sequence[TurnDraws]) -> "list[TapedDraws]":
        """The same draws, which the tape takes down as they are asked for."""

        def answer(asked: Asked) -> Any:  # noqa: ANN401
            self._asked.append(asked)
            self._recorded.append(asked.of(hands))
            return self._recorded[-1]

        return _taped(hands, answer)

    def play(self, hands: Sequence[TurnDraws]) -> "list[TapedDraws]":
        """What was recorded with these draws, once more, the tensors themselves."""
        rest = iter(self._recorded)
        return _taped(hands, lambda asked: next(rest))

    def recorded(self) -> list[Tensor]:
        """The tensors that were recorded."""
        return _tensors(self._recorded)

    def draw(self, hands: Sequence[TurnDraws]) -> list[Tensor]:
        """The tensors that another step of this kind would record with its draws."""
        return _tensors([asked.of(hands) for asked in self._asked])


class TapedDraws:
    """One turn's draws, from elsewhere; see `gancli.types.Draws`."""

    def __init__(
        self, turn: int, hand: TurnDraws, answer: Answer, ahead: dict[int, Sample]
    ) -> None:
        self._turn = turn
        self._hand = hand
        self._answer = answer
        self._ahead = ahead

    @property
    def black_and_white(self) -> tuple[float, float]:
        """What the darkest and the lightest grey level are to a network."""
        return self._hand.black_and_white

    def real(self) -> Sample:
        """This turn's batch of real samples."""
        real: Sample = self._ask("real")
        return real

    def latent(self) -> Latent:
        """This turn's fresh latents."""
        latent: Latent = self._ask("latent")
        return latent

    def fake(self, generator: GeneratorNet) -> Sample:
        """The generator's samples of this turn's latents, without its graph."""
        if self._turn not in self._ahead:
            fakes = made_together(generator, self._ask("latents_of_pass", generator))
            self._ahead |= {self._turn + later: fake for later, fake in enumerate(fakes)}
        return self._ahead.pop(self._turn)

    def uniform(self, purpose: str, rows: int | None, *shape: int) -> Tensor:
        """Numbers uniform on [0, 1)."""
        drawn: Tensor = self._ask("uniform", purpose, rows, *shape)
        return drawn

    def normal(self, purpose: str, like: Tensor) -> Tensor:
        """Standard normal numbers."""
        # The tensor itself would keep its graph.
        shaped = torch.empty(like.shape, dtype=like.dtype, device="meta")
        drawn: Tensor = self._ask("normal", purpose, shaped)
        return drawn

    def _ask(self, what: str, *arguments: object) -> Any:  # noqa: ANN401
        return self._answer(Asked(self._turn, what, arguments))


def _tensors(answers: list[Any]) -> list[Tensor]:
    return [leaf for leaf in pytree.tree_leaves(answers) if isinstance(leaf, Tensor)]


def _taped(hands: Sequence[TurnDraws], answer: Answer) -> list[TapedDraws]:
    ahead: dict[int, Sample] = {}
    return [TapedDraws(turn, hand, answer, ahead) for turn, hand in enumerate(hands)]
