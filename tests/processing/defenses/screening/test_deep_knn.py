"""Deep k-NN: rows among those of another label, and the published vote."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.planted import Plant, collided, flipped, overlapping
from helpers.suspects import CLASSES, make_suspect, with_features

from boomerang.scoring import auroc
from processing.defenses.common.neighbors import Neighbors
from processing.defenses.screening import deep_knn
from processing.defenses.screening.deep_knn import DeepKnn, vote


@pytest.mark.parametrize("plant", [flipped, collided])
@pytest.mark.parametrize("rule", ["trusted", "paper"])
@pytest.mark.parametrize("seed", range(2))
def test_rows_among_another_label_are_found_and_clean_rows_stay(plant: Plant, rule: str, seed: int) -> None:
    data, poisoned = plant(seed)
    finding = DeepKnn.model_validate({"rule": rule}).screen(data)
    assert np.array_equal(finding.flagged, finding.scores > finding.threshold)
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.flagged[~poisoned].mean() < 0.015
    assert (auroc(finding.scores, poisoned) or 0) > 0.99


@pytest.mark.parametrize("blocks", [4096, 100])
def test_the_published_vote_is_that_of_a_classifier_by_neighbors(
    monkeypatch: pytest.MonkeyPatch, blocks: int
) -> None:
    """GIVEN classes that lie into one another THEN scikit-learn's neighbors say the same of every row."""
    from sklearn.neighbors import NearestNeighbors

    monkeypatch.setattr(deep_knn, "_BLOCK_ROWS", blocks)
    data = overlapping(rows=400)
    finding = DeepKnn(rule="paper", k=15).screen(data)
    near = NearestNeighbors(n_neighbors=16).fit(data.features).kneighbors(data.features)[1][:, 1:]
    counts = np.stack([(data.y[near] == label).sum(1) for label in range(3)], axis=1)
    wanted = counts.max(1) > counts[np.arange(len(data.y)), data.y]
    assert 0.1 < wanted.mean() < 0.6
    assert np.array_equal(finding.flagged, wanted)


def test_k_below_the_number_of_poisons_lets_them_vote_for_each_other() -> None:
    data, poisoned = collided(rows=40)
    assert not DeepKnn(rule="paper", k=5).screen(data).flagged[poisoned].all()
    assert DeepKnn(rule="paper", k=100).screen(data).flagged[poisoned].all()


def test_a_near_neighbor_counts_for_more_than_a_far_one() -> None:
    apart = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], np.float32)
    rows = np.array([[0, 1, 1], [1, 1, 0], [0, 0, 1]])
    found = vote(Neighbors(apart, rows), np.array([0, 1]), np.array([1, 1, 0]), np.array([3, 3, 3]))
    weights = np.exp(-(np.array([1, 2, 3]) ** 2) / 18)
    assert np.allclose(found.others, [weights[0] / weights.sum(), weights[2] / weights.sum(), 1 / 3])
    assert not found.outvoted.any()


def test_a_row_that_shares_the_first_place_stays_and_one_looks_no_further_than_it_may() -> None:
    found = Neighbors(np.ones((3, 4), np.float32), np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]]))
    votes = vote(found, np.array([0, 1]), np.zeros(3, int), np.array([4, 4, 1]))
    assert votes.outvoted.tolist() == [False, True, False]
    assert votes.others.tolist() == [0.5, 0.75, 0]


def test_the_clean_rows_of_a_small_class_are_not_taken() -> None:
    data, _ = make_suspect(poison=0)
    rows = np.flatnonzero((data.y != 2) | (np.cumsum(data.y == 2) <= 12))
    small = with_features(data.features[rows], data.y[rows], data.trusted_features, data.trusted_y)
    for rule in ("trusted", "paper"):
        finding = DeepKnn.model_validate({"rule": rule}).screen(small)
        assert finding.flagged[small.y == 2].mean() < 0.2


def test_a_lone_row_of_its_class_is_not_judged_and_the_warning_says_so() -> None:
    data, _ = make_suspect(poison=0)
    rows = np.flatnonzero((data.y != 2) | (np.cumsum(data.y == 2) <= 1))
    small = with_features(data.features[rows], data.y[rows], data.trusted_features, data.trusted_y)
    finding = DeepKnn().screen(small)
    assert not finding.flagged[small.y == 2].any()
    assert finding.warnings[-1].startswith(f"{CLASSES[2]}: no two rows of the class are left")


def test_clean_rows_where_classes_overlap_are_taken_by_the_published_rule_alone() -> None:
    data = overlapping()
    assert DeepKnn(rule="paper", k=30).screen(data).flagged.mean() > 0.1
    shares = [DeepKnn(k=30, max_fpr=0.02).screen(overlapping(seed)).flagged.mean() for seed in range(6)]
    assert 0.005 < np.mean(shares) < 0.03
