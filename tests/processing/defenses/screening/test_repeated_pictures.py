"""Repeated pictures: varied copies are found, however many; clean sets are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.pictures_drawn import smooth
from helpers.suspects import Mask

from processing.attacks.mislabel import CHANGES, changed
from processing.defenses.common.base import Suspect
from processing.defenses.screening import repeated_pictures
from processing.defenses.screening.repeated_pictures import RepeatedPictures


def shown(seed: int, repeat: int, rows: int = 1500, pictures: int = 6) -> tuple[Suspect, Mask]:
    """Return a suspect set to which pictures are added so often, changed each time, and which those are."""
    rng = np.random.default_rng(seed)
    x = smooth(rng, rows + 400 + pictures)
    clean, trusted, originals = np.split(x, [rows, rows + 400])
    changes = rng.integers(1, CHANGES, (repeat, pictures))
    copies = [changed(originals[j], int(changes[i, j])) for i in range(repeat) for j in range(pictures)]
    suspects = np.concatenate([clean, *(copy[None] for copy in copies)])
    added = np.arange(len(suspects)) >= rows
    y, trusted_y = np.zeros(len(suspects), np.int64), np.zeros(400, np.int64)
    return Suspect(suspects, y, trusted, trusted_y, ("a",), NobodyAsks(), seed), added


class NobodyAsks:
    """A victim that must not be asked."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the victim was asked for {name}")


@pytest.mark.parametrize(("repeat", "found"), [(3, 0.7), (10, 0.9), (120, 0.9)])
@pytest.mark.parametrize("seed", range(2))
def test_copies_that_vary_are_found_however_many(seed: int, repeat: int, found: float) -> None:
    data, added = shown(seed, repeat)
    finding = RepeatedPictures(max_fpr=0.01).screen(data)
    assert finding.flagged[added].mean() > found
    assert finding.flagged[~added].mean() < 0.03


def test_clean_sets_lose_what_is_allowed_on_average() -> None:
    shares = [RepeatedPictures(max_fpr=0.01).screen(shown(seed, 0)[0]).flagged.mean() for seed in range(8)]
    assert np.mean(shares) < 0.015


def test_a_picture_that_comes_twice_is_left_unless_it_is_asked_for() -> None:
    data, added = shown(0, 2)
    assert RepeatedPictures(max_fpr=0.01).screen(data).flagged[added].mean() < 0.2
    assert RepeatedPictures(max_fpr=0.01, repeats=2).screen(data).flagged[added].mean() > 0.5


def test_with_an_index_nearly_the_same_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    data, added = shown(1, 10)
    exact = RepeatedPictures().screen(data)
    monkeypatch.setattr(repeated_pictures, "_EXACT_ROWS", 100)
    indexed = RepeatedPictures().screen(data)
    assert (exact.notes["compared"], indexed.notes["compared"]) == ("all", "with an index")
    assert indexed.flagged[added].mean() >= exact.flagged[added].mean() - 0.1


def test_exact_copies_and_blank_images_have_finite_scores() -> None:
    data, _ = shown(2, 10)
    data.x[:50] = data.x[0]
    data.x[50:90] = 7
    finding = RepeatedPictures().screen(data)
    assert np.isfinite(finding.scores).all()
    assert finding.flagged[:90].all()


@pytest.mark.parametrize("trusted", [0, 1, 3, 150])
def test_too_few_trusted_rows_flag_nothing_and_say_so(trusted: int) -> None:
    data, _ = shown(0, 10)
    few = Suspect(
        data.x, data.y, data.trusted_x[:trusted], data.trusted_y[:trusted], ("a",), data.victim, data.seed
    )
    finding = RepeatedPictures().screen(few)
    assert not finding.flagged.any()
    assert "199 are needed" in finding.warnings[0]
