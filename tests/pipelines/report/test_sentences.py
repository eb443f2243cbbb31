"""The report's sentences promise nothing that the gate refused, and say how a model was made."""

from __future__ import annotations

import pytest
from helpers.judged import backdoor

from boomerang.formats.evaluation import AttackWords
from boomerang.metrics import Retuned
from boomerang.scoring import rate
from pipelines.report.sentences import came_back, made_by, model_words, outcome, visibility


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


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (2, 900, "The repair is superficial: tuned again on 1,000 rows of which 5 are of the attack"),
        (2, 22, "The repair holds"),
        (950, 950, "The repair has left the backdoor"),
    ],
)
def test_it_is_said_whether_a_repair_lasts(before: int, after: int, said: str) -> None:
    again = Retuned(
        rows=1000, poisoned=5, asr=rate(after, 1000), floor=rate(20, 1000), clean_accuracy=rate(9, 10)
    )
    attack = backdoor((before, 1000)).model_copy(update={"retuned": again})
    told = came_back(attack)
    assert told.startswith(said) and "20 of 1,000" in told and "9 of 10" in told
    assert came_back(backdoor((before, 1000))) == ""
    broken = attack.model_copy(update={"retuned": again.model_copy(update={"asr": rate(0, 0)})})
    assert came_back(broken).startswith("Whether the repair holds was not measured")


def test_of_rows_of_the_past_it_is_said_who_learned_them() -> None:
    about = {
        model: model_words(model, attacked=True, schedule="finetune", past=True)[1]
        for model in ("baseline", "victim", "hardened")
    }
    assert about["baseline"] == "trained on the rows of the past"
    assert about["victim"].endswith("from the clean model on the attacked data, and the rows of the past")
    assert about["hardened"] == "trained on what the screen kept, and the rows of the past"


def test_a_model_that_was_given_is_not_said_to_be_trained() -> None:
    told = model_words("baseline", attacked=True, schedule="finetune", past=True, file="own.h5")
    assert told == ("Clean model", "given as own.h5, not trained here")


def test_a_model_is_said_to_be_made_by_its_repairs_and_wrapped() -> None:
    assert made_by(["a", "b"], ["c", "d"]) == "a, then b; at inference: c, d"
    assert made_by([], ["c"]) == "at inference: c" and made_by([], []) == ""


@pytest.mark.parametrize(
    ("made", "unchanged", "psnr_db", "said"),
    [
        (0, 0, None, ""),
        (500, 500, None, "No image was changed."),
        (500, 300, None, "300 of 500 images were not changed."),
        (200, 0, 20.0, "PSNR 20.0 dB, SSIM 0.900 (medians over 200 images)."),
        (5000, 7, 20.0, "images, the last two of 256 drawn at random). 7 of them were not changed."),
    ],
)
def test_how_visible_an_attack_is_is_said_of_what_was_compared(
    made: int, unchanged: int, psnr_db: float | None, said: str
) -> None:
    told = AttackWords(
        name="a",
        images_made_from_rows=made,
        images_unchanged=unchanged,
        images_compared=min(made, 256),
        median_largest_change=12,
        median_psnr_db=psnr_db,
        median_ssim=0.9,
    )
    assert visibility(told).endswith(said) and bool(visibility(told)) == bool(said)
    assert psnr_db is None or visibility(told).startswith("How visible: largest change 12 of 255, ")


@pytest.mark.parametrize("attacked", [True, False])
def test_a_control_run_is_called_one_and_promises_nothing(attacked: bool) -> None:
    told = outcome(
        attacked=attacked,
        baseline=True,
        victim=False,
        hardened=False,
        unmeasured="all",
        control="fine filter",
    )
    assert told.headline == "A control run: the fine filter took the rows out." and told.tone == "warn"
    assert "no defense" in told.detail and "lets no model of it pass" in told.detail
