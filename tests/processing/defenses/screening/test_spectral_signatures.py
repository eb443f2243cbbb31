"""Spectral signatures: the paper's form, ART's beside it, and the rule that trusted rows set."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.suspects import CLASSES, TARGET, art_poison_detector, class_share, make_suspect, with_features

from boomerang.scoring import auroc
from processing.defenses.screening.spectral_signatures import SpectralSignatures, spectral_scores

PAPER = SpectralSignatures(rule="paper", whiten="none")


def test_the_score_is_the_papers() -> None:
    features = np.random.default_rng(0).standard_normal((40, 12)).astype(np.float32)
    centered = features.astype(float) - features.mean(0, dtype=float)
    top = np.linalg.svd(centered, full_matrices=False)[2][0]
    assert np.allclose(spectral_scores(features), (centered @ top) ** 2)


@pytest.mark.parametrize("eps", [0.02, 0.1])
def test_the_papers_rule_takes_its_share_of_every_class(eps: float) -> None:
    data, _ = make_suspect(poison=0)
    finding = SpectralSignatures(rule="paper", whiten="none", eps=eps).screen(data)
    for label in range(len(CLASSES)):
        rows = data.y == label
        assert finding.flagged[rows].sum() == round(1.5 * eps * rows.sum())
        worst_kept = finding.scores[rows & ~finding.flagged].max()
        assert finding.scores[rows & finding.flagged].min() >= worst_kept


def test_art_forgets_to_center_and_ranks_worse() -> None:
    """Poison far along a direction that the mean of the class hides when features are not centered."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((400, 10)).astype(np.float32)
    poisoned = np.arange(400) < 40
    features[poisoned, 0] += 6
    features[:, 0] -= 7  # the clean rows are further from zero than the poison
    defense = art_poison_detector("spectral_signature_defense").SpectralSignatureDefense
    art = defense.spectral_signature_scores(features)[:, 0]
    ours, theirs = auroc(spectral_scores(features), poisoned), auroc(art, poisoned)
    assert ours is not None
    assert theirs is not None
    assert ours > 0.95
    assert theirs < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_poison_is_found_and_clean_rows_stay(seed: int) -> None:
    data, poisoned = make_suspect(seed=seed)
    finding = SpectralSignatures().screen(data)
    assert np.isfinite(finding.scores).all()
    assert finding.threshold is not None
    assert np.array_equal(finding.flagged, finding.scores > finding.threshold)
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.flagged[~poisoned].mean() < 0.02
    ours, papers = (auroc(f.scores, poisoned) for f in (finding, PAPER.screen(data)))
    assert ours is not None
    assert papers is not None
    assert ours > 0.99 > papers


def test_the_share_of_clean_rows_taken_is_the_setting() -> None:
    shares = []
    for seed in range(12):
        data, _ = make_suspect(poison=0, seed=seed)
        shares.append(SpectralSignatures(max_fpr=0.02).screen(data).flagged.mean())
    assert 0.008 < np.mean(shares) < 0.03
    assert max(shares) < 0.05


@pytest.mark.parametrize("learned", [1.0, 0.6])
def test_the_rate_holds_where_a_class_has_hardly_more_rows_than_features(learned: float) -> None:
    """GIVEN rows that chose the axis they vary most along, learned by heart or not THEN the rate is kept."""
    shares = []
    for seed in range(16):
        data, _ = make_suspect(poison=0, rows=240, seed=seed)
        centers = np.stack([data.trusted_features[data.trusted_y == k].mean(0) for k in range(len(CLASSES))])
        tighter = centers[data.y] + learned * (data.features - centers[data.y])
        rows = with_features(tighter, data.y, data.trusted_features, data.trusted_y)
        shares.append(SpectralSignatures(max_fpr=0.02).screen(rows).flagged.mean())
    assert np.mean(shares) < 0.02 * 1.5
    assert np.mean(np.array(shares) > 0.04) <= 0.15


def test_little_poison_is_found_among_few_rows_and_much_of_it_does_not_raise_the_threshold() -> None:
    for poison in (24, 40):
        data, poisoned = make_suspect(poison=poison)
        assert SpectralSignatures().screen(data).flagged[poisoned].mean() > 0.95
    thresholds = [SpectralSignatures().screen(class_share(share)[0]).threshold for share in (0.0, 0.3, 0.6)]
    assert None not in thresholds
    assert max(thresholds) < 1.6 * min(thresholds)


def test_too_few_trusted_rows_flag_nothing_and_the_notes_say_so() -> None:
    data, _ = make_suspect(trusted=100)
    finding = SpectralSignatures().screen(data)
    assert finding.threshold is None
    assert not finding.flagged.any()
    assert finding.notes["trusted_rows"] < finding.notes["trusted_rows_needed"] == 199
    assert "100 trusted rows cannot tell what is rare, 199 are needed" in finding.warnings[0]
    assert SpectralSignatures(max_fpr=0.01).screen(data).threshold is not None


@pytest.mark.parametrize("trusted", [0, 1, 5])
@pytest.mark.parametrize("whiten", ["trusted", "none"])
def test_hardly_any_trusted_row_is_no_accident(trusted: int, whiten: str) -> None:
    data, _ = make_suspect(trusted=400)
    few = with_features(data.features, data.y, data.trusted_features[:trusted], data.trusted_y[:trusted])
    finding = SpectralSignatures.model_validate({"whiten": whiten}).screen(few)
    assert np.isfinite(finding.scores).all()
    assert not finding.flagged.any()


def test_a_class_of_one_row_or_none_is_no_accident() -> None:
    data, _ = make_suspect(poison=0)
    some = np.concatenate([np.flatnonzero(data.y < 2), np.flatnonzero(data.y == 2)[:1]])
    small = with_features(data.features[some], data.y[some], data.trusted_features, data.trusted_y)
    for detector in (SpectralSignatures(), PAPER):
        assert np.isfinite(detector.screen(small).scores).all()


def test_features_that_never_vary_are_no_accident() -> None:
    still = with_features(np.ones((40, 5)), np.arange(40) % 4, np.ones((400, 5)), np.arange(400) % 4)
    finding = SpectralSignatures().screen(still)
    assert np.isfinite(finding.scores).all()
    assert not finding.flagged.any()


def test_a_threshold_is_set_anew_without_scoring_anew() -> None:
    data, _ = make_suspect()
    scored = SpectralSignatures().score(data)
    for max_fpr in (0.005, 0.02, 0.1):
        strict = SpectralSignatures(max_fpr=max_fpr)
        again, whole = strict.decide(scored), strict.screen(data)
        assert again.threshold == whole.threshold and again.notes == whole.notes
        assert np.array_equal(again.flagged, whole.flagged)


def test_the_flagged_rows_are_counted_by_class() -> None:
    data, _ = make_suspect()
    finding = SpectralSignatures().screen(data)
    counts = finding.notes["flagged_by_class"]
    assert sum(counts.values()) == finding.flagged.sum()
    assert max(counts, key=lambda name: counts[name]) == CLASSES[TARGET]
