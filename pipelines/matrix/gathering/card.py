"""What a cell's panel shows beside its numbers: a few pictures, and where thresholds come from."""

from __future__ import annotations

from boomerang.formats.evaluation import DetectorWords, Evaluation, Group
from boomerang.formats.screen import CONTROLS
from pipelines.matrix.document import Picture
from pipelines.report.pictures import data_uri

# Of what kind a group of the gallery is, and what its first picture is called.
_SHOWN = {"poisoned": "a poisoned row", "triggered": "a test image with the trigger", "pictures": "a picture"}


def pictures_of(evaluation: Evaluation) -> tuple[Picture, ...]:
    """Return the first picture of each kind of group, with what it is and what the models call it."""
    found: dict[str, Picture] = {}
    for group in evaluation.groups:
        if group.kind in _SHOWN and group.kind not in found and group.items:
            image = evaluation.images(group.images)[0]
            found[group.kind] = Picture(words=_words(group), source=data_uri(image))
    return tuple(found.values())


def _words(group: Group) -> str:
    item = group.items[0]
    given = f", given as {item.given}" if item.given else ""
    calls = "".join(f"; the {model} model says {call}" for model, call in item.calls.items())
    right = f" of {item.right}" if item.right else ""
    return f"{_SHOWN[group.kind]}{right}{given}{calls}"


def thresholds_of(evaluation: Evaluation) -> str:
    """Return in words what each detector's threshold is and where it comes from."""
    return "; ".join(f"{each.title or each.name}: {_threshold(each)}" for each in evaluation.detectors)


def _threshold(detector: DetectorWords) -> str:
    if detector.kind in CONTROLS:
        return "none, it is told the truth"
    # A detector sees nothing else that is clean, see `processing.defenses.common.base.Suspect`.
    at = "several limits" if detector.threshold is None else f"{detector.threshold:.4g}"
    return f"{at}, from the trusted rows"
