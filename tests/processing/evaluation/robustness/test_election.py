"""The run-off: its radius holds against every replacement of so many models."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.evaluation.robustness.election import Votes, run_off


def elected(ballots: list[tuple[int, ...]]) -> tuple[int, int]:
    """Answer and radius for one image; a ballot is the classes in the order that a model prefers them."""
    classes = len(ballots[0])
    votes = Votes(1, classes)
    for ballot in ballots:
        scores = np.zeros((1, classes))
        scores[0, list(ballot)] = np.arange(classes, 0, -1)
        votes.add(scores)
    (answer,), (radius,) = run_off(votes)
    return int(answer), int(radius)


@pytest.mark.parametrize("classes", [2, 3])
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_replacement_of_as_many_models_changes_the_answer(classes: int, data: st.DataObject) -> None:
    """By trying all of them."""
    kinds = list(itertools.permutations(range(classes)))
    ballots = data.draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=5))
    answer, radius = elected(ballots)
    assert radius >= 0
    for changed in itertools.combinations(range(len(ballots)), min(radius, 2)):
        for others in itertools.product(kinds, repeat=len(changed)):
            attacked = list(ballots)
            for place, other in zip(changed, others, strict=True):
                attacked[place] = other
            assert elected(attacked)[0] == answer


@given(st.integers(0, 3), st.integers(1, 60))
def test_where_all_agree_half_of_them_may_be_replaced(first: int, models: int) -> None:
    ballot = (first, *(label for label in range(4) if label != first))
    assert elected([ballot] * models) == (first, (models - (first > 0)) // 2)


def test_the_second_choice_decides_between_two() -> None:
    """Two of five put 0 first, and the three others prefer 1 to it."""
    assert elected([(0, 1, 2), (0, 1, 2), (1, 2, 0), (1, 2, 0), (2, 1, 0)])[0] == 1


def test_equal_scores_are_the_lower_class_and_no_image_has_no_answer() -> None:
    votes = Votes(1, 3)
    votes.add(np.zeros((1, 3)))
    assert [found.tolist() for found in run_off(votes)] == [[0], [0]]
    assert [len(found) for found in run_off(Votes(0, 3))] == [0, 0]
