"""One transaction for a batch, in which those who are refused have no part."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from django.db import transaction

from shops.facts.refused import Refused
from shops.facts.transactions import whole

A = TypeVar("A")
R = TypeVar("R")


class Refusals(Exception):
    """Some of those who share a transaction are refused: by their place in the batch."""

    def __init__(self, by_place: Mapping[int, Refused]) -> None:
        super().__init__(by_place)
        self.by_place = by_place


def share(
    asks: Sequence[A],
    then: Callable[[Sequence[R | Refused]], None],
    *,
    do: Callable[[Sequence[A]], Sequence[R]],
) -> None:
    """Have a batch done in one transaction, in which those who are refused have no part.

    When `do` finds that some are refused (`Refusals`), whatever it wrote by then is undone, and it
    is called for the others. `then` gets everybody's answers before anything else that waits for
    the commit.
    """
    answers: dict[int, R | Refused] = {}
    left = list(range(len(asks)))
    told = partial(_tell_in_order, answers, then)

    @whole
    def try_all() -> None:
        transaction.on_commit(told)
        done = do([asks[place] for place in left])
        answers.update(zip(left, done, strict=True))

    while left:
        try:
            try_all()
        except Refusals as refused:
            answers |= {left[place]: no for place, no in refused.by_place.items()}
            left = [place for number, place in enumerate(left) if number not in refused.by_place]
        else:
            return
    told()


def _tell_in_order(
    answers: Mapping[int, R | Refused], then: Callable[[Sequence[R | Refused]], None]
) -> None:
    then([answers[place] for place in range(len(answers))])
