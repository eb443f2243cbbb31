"""What a canary is told, and of which packages it is told nothing: their records would say nothing."""

from __future__ import annotations

import pytest
from helpers.judged import judged

from boomerang.errors import BadInput, IntegrityError
from boomerang.gate import GateConfig, judge
from boomerang.metrics import Certificates, Metrics
from boomerang.scoring import rate
from boomerang.watching.briefing import settings_of


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    return judged(tmp_path_factory.mktemp("runs"))["good"]


def covering(metrics: Metrics, **classes: int) -> Metrics:
    counts = dict.fromkeys(metrics.data.classes, 0) | classes
    return metrics.model_copy(update={"canaries": metrics.canaries.model_copy(update={"classes": counts})})


def told(metrics: Metrics) -> str:
    with pytest.raises(BadInput) as refused:
        settings_of(metrics, None, group="jets", version=1)
    return str(refused.value)


def test_a_canary_is_told_the_registered_balanced_accuracy(metrics: Metrics) -> None:
    settings = settings_of(metrics, None, group="jets", version=1)
    assert settings.baseline == metrics.models["hardened"].canaries.balanced == 1.0
    assert settings_of(covering(metrics, bird=5, cat=1), None, group="jets", version=1) == settings


def test_it_is_told_what_was_flagged_and_what_the_canaries_are_safe_from(metrics: Metrics) -> None:
    settings = settings_of(metrics, None, group="jets", version=1)
    assert (settings.flagged, settings.certified) == (metrics.screen.flagged, None)
    votes = Certificates(partitions=5, rows={"records/0": 2}, right=rate(1, 1))
    safe = metrics.canaries.model_copy(update={"certificates": votes, "safe_from": 2})
    certified = metrics.model_copy(update={"canaries": safe})
    assert settings_of(certified, None, group="jets", version=1).certified == 2


def test_records_of_one_class_say_nothing(metrics: Metrics) -> None:
    assert "all its canary records are of class 'bird'" in told(covering(metrics, bird=5))
    assert "registered without canary records" in told(covering(metrics))


@pytest.mark.parametrize("lesson", [{"error_ratio": 1.1}, {"lost_classes": 3.0}, {"error_ratio": None}])
def test_records_that_a_model_without_skill_chose_say_nothing(
    metrics: Metrics, lesson: dict[str, float | None]
) -> None:
    clean = metrics.models["baseline"]
    numbers = {check.key: check.value for check in clean.verdict.checks} | lesson
    poor = clean.model_copy(update={"verdict": judge(numbers, GateConfig())})
    said = told(metrics.model_copy(update={"models": {**metrics.models, "baseline": poor}}))
    assert "the clean model that chose its canary records learned nothing" in said
    assert "train longer" in said


def test_a_model_that_the_metrics_do_not_have_is_refused(metrics: Metrics) -> None:
    with pytest.raises(IntegrityError, match="do not have its model 'shadow'"):
        settings_of(metrics, "shadow", group="jets", version=1)
