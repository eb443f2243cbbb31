"""Two runs are compared picture by picture where both answered the same ones, and else are not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.report_fixture import build_run
from helpers.report_pages import metrics_file
from helpers.scenes import Scene

from boomerang.errors import BadInput
from boomerang.formats.evaluation import Evaluation
from pipelines.comparison.pairs import Pairs
from pipelines.report.run_folder import read_evaluation
from pipelines.runs.records import load_execution


def evaluated(folder: Path, scene: Scene) -> Evaluation:
    found = read_evaluation(load_execution(build_run(folder, scene)))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, Evaluation]:
    folder = tmp_path_factory.mktemp("runs")
    return evaluated(folder / "one", Scene(hardened_asr=0.4)), evaluated(
        folder / "two", Scene(hardened=False)
    )


def test_hits_are_those_of_the_models_in_both_runs(both: tuple[Evaluation, Evaluation]) -> None:
    pairs = Pairs.of(*both)
    right, fooled = pairs.right("victim"), pairs.fooled("victim", "cyan-square")
    assert right is not None and fooled is not None
    for k, evaluation in enumerate(both):
        victim = evaluation.metrics.models["victim"]
        assert right[k].dtype == bool and right[k].sum() == victim.clean_accuracy.successes
        asr = victim.attacks[1].asr
        assert asr is not None and (int(fooled[k].sum()), len(fooled[k])) == (asr.successes, asr.total)


def test_what_one_run_alone_has_makes_no_pairs(both: tuple[Evaluation, Evaluation]) -> None:
    pairs = Pairs.of(*both)
    assert pairs.right("hardened") is None and pairs.fooled("victim", "no such attack") is None


@pytest.mark.parametrize("name", ["test", "pictures jets"])
def test_other_test_images_or_pictures_make_no_pairs(both: tuple[Evaluation, Evaluation], name: str) -> None:
    data = both[1].metrics.data
    data = data.model_copy(update={"digests": {**data.digests, name: "44" * 32}})
    other = replace(both[1], metrics=both[1].metrics.model_copy(update={"data": data}))
    assert Pairs.of(both[0], other).right("victim") is None


def test_an_evaluation_of_before_there_were_predictions_makes_no_pairs(tmp_path: Path) -> None:
    one, two = evaluated(tmp_path / "one", Scene()), evaluated(tmp_path / "two", Scene())
    shutil.rmtree(two.folder / "predictions")
    assert Pairs.of(one, two).right("victim") is None


def test_an_attack_on_other_images_makes_no_pairs_and_the_test_set_still_does(tmp_path: Path) -> None:
    one, two = evaluated(tmp_path / "one", Scene()), evaluated(tmp_path / "two", Scene())
    file = metrics_file(tmp_path / "two").parent / "predictions" / "attack-1-y.npy"
    np.save(file, np.load(file) + np.int16(1))
    pairs = Pairs.of(one, two)
    assert pairs.fooled("victim", "boomerangs") is None and pairs.right("victim") is not None


def test_malformed_predictions_are_refused(tmp_path: Path) -> None:
    one, two = evaluated(tmp_path / "one", Scene()), evaluated(tmp_path / "two", Scene())
    np.save(metrics_file(tmp_path / "two").parent / "predictions" / "test-y.npy", np.zeros((2, 2)))
    with pytest.raises(BadInput):
        Pairs.of(one, two)
