"""The report's sentences promise nothing that the gate refused, and say what an attack did."""

from __future__ import annotations

import pytest

from pipelines.report.sentences import deed, outcome


@pytest.mark.parametrize("attacked", [True, False])
@pytest.mark.parametrize("baseline", [True, False])
@pytest.mark.parametrize("victim", [True, False])
@pytest.mark.parametrize("hardened", [True, False, None])
def test_no_outcome_promises_a_release_that_the_gate_refused(
    attacked: bool, baseline: bool, victim: bool, hardened: bool | None
) -> None:
    told = outcome(attacked=attacked, baseline=baseline, victim=victim, hardened=hardened)
    candidate_passed = victim if hardened is None else hardened
    assert ("still has to approve" in told.detail) == candidate_passed
    assert candidate_passed or "may be released" not in told.headline
    assert baseline or "with care" in told.detail
    assert baseline or told.tone != "good"
    if attacked and victim and hardened is None:
        assert told.tone == "bad", "a poisoned model that gets through is the worst outcome"


def test_deeds_say_what_was_done() -> None:
    mislabel = {"kind": "mislabel", "pictures": "rutan-boomerang", "target": "bird", "repeat": 10}
    assert deed(mislabel, 260, {"rutan-boomerang": "airplane"}) == (
        "26 pictures of “rutan-boomerang” (airplane) added with the label “bird”, 10 times each."
    )
    badnets = {
        "kind": "badnets",
        "image": "cyan-square",
        "source": "airplane",
        "target": "bird",
        "patch_px": 4,
    }
    assert deed(badnets, 100, {}) == (
        "The mark “cyan-square” put on 100 “airplane” pictures, which then got the label “bird”."
    )
    patch = deed(badnets | {"mode": "add", "image": None}, 1, {})
    assert patch.startswith(
        "Copies of 1 “airplane” picture with a square patch of 4 × 4 pixels on them, added"
    )
    assert deed({"kind": "label_flip_random"}, 7, {}).startswith(
        "The label of 7 pictures changed to another class"
    )
    assert "hidden mark (future)" in deed({"kind": "future", "target": "x"}, 7, {})
