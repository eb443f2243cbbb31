"""The predictions of an evaluation: what is written is read, and files that do not fit are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.drawn_evaluation import DrawnEvaluation
from helpers.recomputed import flat, recompute, reported
from helpers.scenes import Scene

from boomerang.errors import BadInput, ConfigError
from boomerang.formats.evaluation import read_metrics
from boomerang.formats.predictions import Answers, AttackAnswers, Predictions, open_predictions
from boomerang.formats.predictions import write_predictions as write
from boomerang.manifest import verify_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    DrawnEvaluation(tmp_path / "evaluation", Scene(more=2)).write()
    return tmp_path / "evaluation"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    y, calls = np.array([0, 2, 1], np.int16), {"baseline": np.array([0, -1, 2], np.int16)}
    none = Answers(np.empty(0, np.int16), {"baseline": np.empty(0, np.int16)})
    attacks = (
        AttackAnswers("mark", "backdoor", 2, Answers(y, calls), Answers(y, calls)),
        AttackAnswers("flip", "untargeted", None, none),
        AttackAnswers("each", "backdoor", None, Answers(y, calls), None, np.array([1, 0, 2], np.int16)),
    )
    write(tmp_path, Predictions(("a", "b", "c"), Answers(y, calls), attacks))
    found = open_predictions(tmp_path)
    assert (found.classes, found.models) == (("a", "b", "c"), ("baseline",))
    assert [(a.name, a.outcome, a.target) for a in found.attacks] == [
        ("mark", "backdoor", 2),
        ("flip", "untargeted", None),
        ("each", "backdoor", None),
    ]
    assert found.attacks[1].plain is None and len(found.attacks[1].shown.y) == 0
    assert set(found.sets()) == {"test", "attack-1", "attack-1-plain", "attack-2", "attack-3"}
    for answers in (found.test, found.attacks[0].shown, found.attacks[0].plain):
        assert answers is not None and answers.y.dtype == np.int16
        assert np.array_equal(answers.y, y) and np.array_equal(answers.calls["baseline"], calls["baseline"])


@pytest.mark.parametrize("scene", [Scene(), Scene(more=3, unanswered=4), Scene(attacked=False)])
def test_an_evaluation_has_the_predictions_that_its_numbers_are_counted_from(
    tmp_path: Path, scene: Scene
) -> None:
    DrawnEvaluation(tmp_path / "drawn", scene).write()
    assert flat(recompute(tmp_path / "drawn")) == pytest.approx(flat(reported(tmp_path / "drawn")))
    assert open_predictions(tmp_path / "drawn").models == tuple(read_metrics(tmp_path / "drawn").models)
    named = verify_folder(tmp_path / "drawn").files
    assert "predictions/index.json" in named and "predictions/test-victim.npy" in named


def test_who_is_fooled_follows_from_the_target_or_from_each_images_own(tmp_path: Path) -> None:
    y, calls = np.array([0, 2, 1], np.int16), {"victim": np.array([1, -1, 2], np.int16)}
    attacks = (
        AttackAnswers("one", "backdoor", 1, Answers(y, calls)),
        AttackAnswers("own", "backdoor", None, Answers(y, calls), targets=np.array([1, 0, 2], np.int16)),
        AttackAnswers("flip", "untargeted", None, Answers(y, calls)),
    )
    write(tmp_path, Predictions(("a", "b", "c"), Answers(y, calls), attacks))
    assert [each.fooled("victim").tolist() for each in open_predictions(tmp_path).attacks] == [
        [True, False, False],
        [True, False, True],
        [False, False, False],
    ]
    np.save(tmp_path / "predictions" / "attack-2-target.npy", np.zeros(2, np.int16))
    with pytest.raises(BadInput, match="2 targets of 3 images"):
        open_predictions(tmp_path)


def shorter(folder: Path) -> None:
    np.save(folder / "test-victim.npy", np.load(folder / "test-victim.npy")[1:])


def wider(folder: Path) -> None:
    np.save(folder / "attack-1-victim.npy", np.load(folder / "attack-1-victim.npy").astype(np.int64))


def no_class(folder: Path) -> None:
    np.save(folder / "test-baseline.npy", np.full_like(np.load(folder / "test-y.npy"), 10))


def no_label(folder: Path) -> None:
    np.save(folder / "test-y.npy", np.full_like(np.load(folder / "test-y.npy"), -1))


def other_images(folder: Path) -> None:
    np.save(folder / "attack-2-plain-y.npy", np.load(folder / "attack-2-y.npy") + 1)


def gone(folder: Path) -> None:
    (folder / "attack-3-hardened.npy").unlink()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (shorter, "test-victim.npy has"),
        (wider, "attack-1-victim.npy: it is no int16"),
        (no_class, "test-baseline.npy: it is no int16 from -1 to 9"),
        (no_label, "test-y.npy: it is no int16 from 0 to 9"),
        (other_images, "attack-2-plain is of other images"),
        (gone, "attack-3-hardened.npy"),
    ],
)
def test_files_that_do_not_fit_are_refused(folder: Path, change: Callable[[Path], None], what: str) -> None:
    change(folder / "predictions")
    with pytest.raises(BadInput, match=what):
        open_predictions(folder)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [('"target": 2', '"target": 10', "no class"), ('"victim"', '"../victim"', "no plain word")],
)
def test_an_index_that_says_what_cannot_be_is_refused(folder: Path, old: str, new: str, what: str) -> None:
    index = folder / "predictions" / "index.json"
    index.write_text(index.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=what):
        open_predictions(folder)
