from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from io import BytesIO

from helpers.ranges import Range
from PIL import Image

from boomerang.formats.evaluation import DetectorWords, open_evaluation
from boomerang.formats.screen import PERFECT_FILTER
from pipelines.matrix.gathering.card import pictures_of, thresholds_of


def test_a_card_has_one_picture_of_each_kind_and_says_what_it_is(digits_range: Range) -> None:
    evaluation = open_evaluation(digits_range.first.path("Evaluate", "evaluation"))
    pictures = pictures_of(evaluation)
    words = [each.words for each in pictures]
    assert words[0].startswith("a poisoned row of") and "given as 0" in words[0]
    assert any(
        each.startswith("a test image with the trigger") and "the victim model says" in each for each in words
    )
    assert len(pictures) == len(
        {group.kind for group in evaluation.groups} & {"poisoned", "triggered", "pictures"}
    )
    for each in pictures:
        head, _, content = each.source.partition(",")
        assert head == "data:image/png;base64"
        assert Image.open(BytesIO(b64decode(content))).size[0] > 0


def test_a_control_has_no_threshold_and_says_so(digits_range: Range) -> None:
    evaluation = open_evaluation(digits_range.first.path("Evaluate", "evaluation"))
    control = DetectorWords(name="perfect_filter", kind=PERFECT_FILTER, title="perfect filter")
    said = thresholds_of(replace(evaluation, detectors=(control,)))
    assert said == "perfect filter: none, it is told the truth"


def test_thresholds_are_said_of_every_detector(digits_range: Range) -> None:
    evaluation = open_evaluation(digits_range.first.path("Evaluate", "evaluation"))
    said = thresholds_of(evaluation)
    assert [each.split(":")[0] for each in said.split("; ")] == [d.title for d in evaluation.detectors]
    assert said.count("from the trusted rows") == len(evaluation.detectors)
    scan = next(d for d in evaluation.detectors if d.kind == "scan")
    assert scan.threshold is None or f"{scan.title}: {scan.threshold:.4g}, from" in said
