"""Data validation: each rule on planted rows, and silence on rows that are sound."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from helpers.suspects import CLASSES, NO_VICTIM, noise_images

from boomerang.errors import BadInput
from processing.defenses.common.base import Finding, Suspect
from processing.defenses.screening.data_validation import DataValidation, alike, looked_at

ROWS = 80


def suspect(**changes: Any) -> Suspect:
    """Return sound data, the fields of `changes` put in."""
    rng = np.random.default_rng(3)
    fields: dict[str, Any] = {
        "x": noise_images(rng, ROWS),
        "y": np.arange(ROWS) % len(CLASSES),
        "trusted_x": noise_images(rng, 40),
        "trusted_y": np.arange(40) % len(CLASSES),
    }
    return Suspect(**(fields | changes), classes=CLASSES, victim=NO_VICTIM, seed=0)


def screened(x: Any, y: Any = None, **settings: Any) -> Finding:
    labels = np.arange(len(x)) % len(CLASSES) if y is None else y
    return DataValidation(**settings).screen(suspect(x=x, y=labels))


def flagged(finding: Finding) -> list[int]:
    assert finding.scores.dtype == np.float64
    assert np.isfinite(finding.scores).all()
    assert np.array_equal(finding.scores > 0, finding.scores >= 1)
    assert not (finding.flagged & (finding.scores == 0)).any(), "a flagged row must have a score"
    return [int(i) for i in np.flatnonzero(finding.flagged)]


def test_sound_data_is_left_alone() -> None:
    finding = screened(suspect().x)
    assert flagged(finding) == []
    assert finding.notes["class_balance"]["p_value"] == 1


def test_the_second_copy_of_a_picture_goes() -> None:
    x = suspect().x.copy()
    x[44] = x[4]
    finding = screened(x)
    assert flagged(finding) == [44]
    assert finding.scores[[4, 44]].tolist() == [1, 1]


def test_a_picture_repeated_often_goes_with_all_its_copies() -> None:
    x = suspect().x.copy()
    x[[8, 44]] = x[4]
    assert flagged(screened(x)) == [4, 8, 44]
    assert flagged(screened(x, repeats=4)) == [8, 44]


def test_how_often_is_too_often_can_be_set_anew_without_looking_again() -> None:
    x = suspect().x.copy()
    x[[8, 44]] = x[4]
    scored = DataValidation().score(suspect(x=x))
    assert flagged(DataValidation(repeats=4).decide(scored)) == [8, 44]
    assert flagged(DataValidation(repeats=3).decide(scored)) == [4, 8, 44]


def test_copies_that_disagree_about_the_label_all_go() -> None:
    x = suspect().x.copy()
    x[5] = x[4]
    finding = screened(x)
    assert flagged(finding) == [4, 5]
    assert finding.notes["exact_duplicates"]["groups_with_several_labels"] == 1


def test_a_trusted_picture_under_another_label_goes() -> None:
    data = suspect()
    x = data.x.copy()
    x[4], x[6] = data.trusted_x[4], data.trusted_x[5]
    assert flagged(screened(x)) == [6]


def test_blank_images_go_and_dark_ones_stay() -> None:
    x = suspect().x.copy()
    x[2], x[7] = 0, 255
    x[9] //= 64
    assert flagged(screened(x)) == [2, 7]


@pytest.mark.parametrize("size_px", [16, 32])
def test_a_stamped_copy_under_another_label_goes_and_its_original_stays(size_px: int) -> None:
    rng = np.random.default_rng(5)
    x, trusted_x = noise_images(rng, ROWS, size_px), noise_images(rng, 40, size_px)
    copies = x[:20].copy()
    copies[:, -2:, -2:] = (0, 255, 255)
    y = np.concatenate([np.arange(ROWS) % len(CLASSES), np.full(20, 1)])
    data = suspect(x=np.concatenate([x, copies]), y=y, trusted_x=trusted_x)
    finding = DataValidation().screen(data)
    # Of the copies with their own label nothing is known to be wrong.
    assert flagged(finding) == [ROWS + i for i in range(20) if y[i] != 1]
    assert flagged(DataValidation(near_fraction=0).screen(data)) == []


def test_a_class_that_grew_is_noted() -> None:
    y = np.where(np.arange(ROWS) % 2, 1, np.arange(ROWS) % len(CLASSES))
    balance = screened(suspect().x, y).notes["class_balance"]
    assert balance["p_value"] < 0.01
    assert balance["ratio"]["bird"] == 2
    assert balance["ratio"]["dog"] == 0


def test_an_empty_trusted_set_gives_no_limit_and_no_p_value() -> None:
    data = suspect(trusted_x=noise_images(np.random.default_rng(0), 0), trusted_y=np.zeros(0, np.int64))
    notes = DataValidation().screen(data).notes
    assert notes["near_duplicates"]["limits"] is None
    assert notes["class_balance"]["p_value"] is None


def test_groups_are_found_in_the_order_of_their_first_rows() -> None:
    x = noise_images(np.random.default_rng(0), 6)
    x[5], x[4] = x[1], x[0]
    assert [rows.tolist() for rows in alike(looked_at(x)[1])] == [[0, 4], [1, 5]]


def test_a_flood_of_copies_takes_no_time() -> None:
    x = np.repeat(noise_images(np.random.default_rng(0), 1), 20_000, axis=0)
    before = time.process_time()
    finding = screened(x)
    assert finding.flagged.all()
    assert time.process_time() - before < 10


@pytest.mark.parametrize(
    "change",
    [
        {"x": np.zeros((ROWS, 8, 8, 3), np.float32)},
        {"x": np.zeros((ROWS, 8, 8), np.uint8)},
        {"y": np.zeros(ROWS - 1, np.int64)},
        {"y": np.full(ROWS, len(CLASSES))},
        {"trusted_x": np.zeros((40, 16, 16, 3), np.uint8)},
    ],
    ids=["floats", "no channels", "a label too few", "no such class", "another size"],
)
def test_arrays_that_are_no_dataset_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        DataValidation().screen(suspect(**change))


def test_rows_made_alike_are_bounded_and_the_notes_say_how_many_were_cut_short() -> None:
    """2,000 rows of noise, each as near to the others as noise is: they took 20 s."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2_000, 32, 32, 3), np.uint8), np.arange(2_000) % len(CLASSES)
    data = suspect(x=x, y=y, trusted_x=x[:200], trusted_y=y[:200])
    begun = time.process_time()
    finding = DataValidation().screen(data)
    notes = finding.notes["near_duplicates"]
    assert time.process_time() - begun < 10
    assert len(finding.warnings) == 1 and f"{notes['cut_short']} rows look much like" in finding.warnings[0]
    assert screened(suspect().x).warnings == () and notes["compared"] == "all"
    assert notes["cut_short"] > 1_500 and screened(suspect().x).notes["near_duplicates"]["cut_short"] == 0
