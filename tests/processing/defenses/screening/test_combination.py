"""A combination: one rate for all of its members, and what may be one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.planted import flipped
from helpers.suspects import class_share, make_suspect, with_features

from boomerang.config import Spec
from boomerang.errors import ConfigError
from processing.defenses.screening import DETECTORS
from processing.defenses.screening.combination import Combination, together
from processing.defenses.screening.confident_learning import ConfidentLearning
from processing.defenses.screening.scan import Scan
from processing.defenses.screening.z_score import ZScore

COMBINABLE = [k for k in DETECTORS if k != "combination" and "max_fpr" in DETECTORS[k].model_fields]


def made(*of: dict[str, Any], **settings: Any) -> Any:
    return DETECTORS.create(Spec(kind="combination", of=of, **settings))


def test_a_row_goes_that_a_member_flags_at_its_part_of_the_rate() -> None:
    data, poisoned = make_suspect()
    finding = made({"kind": "scan"}, {"kind": "z_score"}, max_fpr=0.02).screen(data)
    scan, z_score = Scan(max_fpr=0.01).screen(data), ZScore(max_fpr=0.01).screen(data)
    assert np.array_equal(finding.flagged, scan.flagged | z_score.flagged)
    assert finding.flagged[poisoned].mean() > 0.95
    assert finding.notes["of"]["scan"] == {
        "flagged": int(scan.flagged.sum()),
        "threshold": scan.threshold,
        **scan.notes,
    }


def test_it_finds_what_either_member_misses() -> None:
    """GIVEN poison in a group of its own, and wrong labels elsewhere THEN each member finds its own alone."""
    group, wrong = class_share(0.3, trusted=400), flipped(0)
    combination = made({"kind": "scan"}, {"kind": "confident_learning"}, max_fpr=0.01)
    for (data, poisoned), finds, misses in (
        (group, Scan(), ConfidentLearning()),
        (wrong, ConfidentLearning(), Scan(rule="paper")),
    ):
        assert misses.screen(data).flagged[poisoned].mean() < 0.1
        assert finds.screen(data).flagged[poisoned].mean() > 0.9
        assert combination.screen(data).flagged[poisoned].mean() > 0.9


def test_the_rate_is_that_of_all_members_together() -> None:
    """GIVEN clean sets WHEN three members each had the whole rate THEN they would flag more than it."""
    of = [{"kind": kind} for kind in ("scan", "z_score", "confident_learning")]
    shares: dict[float, list[float]] = {0.03: [], 0.09: []}
    for seed in range(6):
        data, _ = make_suspect(poison=0, trusted=800, seed=seed)
        scored = made(*of).score(data)
        for max_fpr, found in shares.items():
            found.append(float(made(*of, max_fpr=max_fpr).decide(scored).flagged.mean()))
    assert np.mean(shares[0.03]) <= 0.03 < np.mean(shares[0.09])


def test_a_score_is_the_largest_on_the_scales_of_the_members_trusted_rows() -> None:
    data, _ = make_suspect(rows=80, poison=4, trusted=80)
    members = [ZScore().score(data), ConfidentLearning(folds=2).score(data)]
    scores = together(members).scores
    scaled = []
    for each in members:
        center, high = np.quantile(each.state.trusted, [0.5, 0.95])
        scaled.append((each.scores - center) / (high - center))
    assert np.allclose(scores, np.maximum(*scaled))


def test_too_few_trusted_rows_for_the_parts_flag_nothing_and_each_member_says_so() -> None:
    data, _ = make_suspect(trusted=300)  # enough for 1 / .005 - 1 = 199, not for 399
    finding = made({"kind": "scan"}, {"kind": "z_score"}).screen(data)
    assert not finding.flagged.any()
    assert [said.split(":")[0] for said in finding.warnings] == ["scan", "z_score"]
    assert all("399 are needed for max_fpr = 0.0025" in said for said in finding.warnings)


def test_members_have_settings_of_their_own_and_two_of_a_kind_have_names() -> None:
    detector = made({"kind": "z_score", "whiten": "none"}, {"kind": "z_score"})
    assert [spec.model_extra["whiten"] for spec in detector.of] == ["none", "trusted"]
    assert DETECTORS.create(Spec.model_validate(detector.model_dump(mode="json"))) == detector
    data, _ = make_suspect()
    assert list(detector.screen(data).notes["of"]) == ["z_score", "z_score-2"]


@pytest.mark.parametrize("kind", COMBINABLE)
def test_every_detector_that_holds_a_rate_can_be_a_member(kind: str) -> None:
    data, _ = make_suspect()
    finding = made({"kind": kind, **DETECTORS[kind].example}, {"kind": "z_score"}, max_fpr=0.01).screen(data)
    assert np.isfinite(finding.scores).all() and len(finding.notes["of"]) == 2
    assert (finding.flagged >= ZScore(max_fpr=0.005).screen(data).flagged).all()


@pytest.mark.parametrize(
    ("of", "said"),
    [
        ([{"kind": "scan"}], "at least 2 items"),
        ([{"kind": "scan"}, {"kind": "combination"}], "'combination' cannot be combined, but agpd"),
        ([{"kind": "scan"}, {"kind": "data_validation"}], "'data_validation' cannot be combined, but agpd"),
        ([{"kind": "scan"}, {"kind": "ted", "max_fpr": 0.01}], "'ted' has a max_fpr of its own"),
        ([{"kind": "scan"}, {"kind": "ted", "rule": "paper"}], "'ted' holds no rate by its rule 'paper'"),
        ([{"kind": "scan"}, {"kind": "tad"}], "did you mean 'ted'"),
        ([{"kind": "scan"}, {"kind": "ted", "component": 1}], "unknown key 'component'"),
    ],
)
def test_what_cannot_be_combined_is_refused(of: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made(*of)


def test_a_class_without_trusted_rows_is_named_by_each_member() -> None:
    data, _ = make_suspect(trusted=800)
    known = data.trusted_y != 2
    some = with_features(data.features, data.y, data.trusted_features[known], data.trusted_y[known])
    warnings = Combination().screen(some).warnings
    assert any(said.startswith("scan: cat: no trusted row of the class") for said in warnings)
