"""The numbers of two runs: each with both intervals, the difference, and its interval."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.report_fixture import build_run
from helpers.report_pages import metrics_file
from helpers.scenes import Scene

from boomerang.safeio import load_json
from pipelines.comparison import compare
from pipelines.comparison.gaps import SAME, Line, Value
from pipelines.comparison.sides import open_run
from pipelines.comparison.two_runs import TwoRuns, compare_runs
from pipelines.runs.held import Digests
from pipelines.runs.records import load_execution


def compared(folder: Path, first: Scene, second: Scene) -> TwoRuns:
    found = compare(build_run(folder / "first", first), build_run(folder / "second", second))
    assert isinstance(found, TwoRuns)
    return found


def lines(found: TwoRuns) -> dict[tuple[str, str], Line]:
    return {(group.title, line.title): line for group in found.groups for line in group.lines}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def found(folder: Path) -> TwoRuns:
    return compared(folder, Scene(hardened_asr=0.4, config={"seed": 3}), Scene())


def wilson(successes: int, total: int) -> tuple[float, float, float]:
    from scipy.stats import binomtest

    found = binomtest(successes, total).proportion_ci(method="wilson")
    return successes / total, found.low, found.high


def joined(a: tuple[float, float, float], b: tuple[float, float, float], phi: float = 0) -> tuple[float, ...]:
    """The second less the first with Newcombe's interval, written out once more."""
    (p, p_low, p_high), (q, q_low, q_high) = a, b
    down, up = (q - q_low, p_high - p), (q_high - q, p - p_low)
    low, high = (sqrt(x**2 - 2 * phi * x * y + y**2) for x, y in (down, up))
    return q - p, q - p - low, q - p + high


def test_the_numbers_are_those_that_scipy_counts_of_the_counts_in_both_files(
    folder: Path, found: TwoRuns
) -> None:
    both = [load_json(metrics_file(folder / run))["screen"] for run in ("first", "second")]
    for title in ("TPR", "FPR"):
        old, new = (wilson(each[title.lower()]["successes"], each[title.lower()]["total"]) for each in both)
        line = lines(found)["screen", title]
        assert line.old and line.new and line.gap and not line.gap.paired
        assert (line.old.value, line.old.low, line.old.high) == pytest.approx(old)
        assert (line.gap.value, line.gap.low, line.gap.high) == pytest.approx(joined(old, new))


@pytest.mark.parametrize("model", ["baseline", "victim", "hardened"])
def test_differences_on_the_same_images_are_those_that_scipy_counts_of_the_pairs(
    folder: Path, found: TwoRuns, model: str
) -> None:
    places = [metrics_file(folder / run).parent / "predictions" for run in ("first", "second")]

    def called(name: str, column: str) -> list[np.ndarray[Any, Any]]:
        return [np.load(place / f"{name}-{column}.npy") for place in places]

    test, square = called("test", model), called("attack-2", model)
    hits = {
        "clean accuracy": [calls == y for calls, y in zip(test, called("test", "y"), strict=True)],
        "ASR of cyan-square": [calls == 2 for calls in square],
        "RA of cyan-square": [calls == y for calls, y in zip(square, called("attack-2", "y"), strict=True)],
    }
    for title, (old, new) in hits.items():
        line = lines(found)[model, title]
        n, x, y, both = len(old), int(old.sum()), int(new.sum()), int((old & new).sum())
        # phi with the continuity correction of the paper: ad - bc, less n/2 where it is above 0.
        above = float(both * (n - x - y + both) - (x - both) * (y - both))
        above = max(0.0, above - n / 2) if above > 0 else above
        spread = sqrt(float(x) * (n - x) * y * (n - y))
        wanted = joined(wilson(x, n), wilson(y, n), above / spread if spread else 0)
        assert line.gap and line.gap.paired
        assert (line.gap.value, line.gap.low, line.gap.high) == pytest.approx(wanted, abs=1e-12)


def test_what_got_better_is_told_and_what_stayed_is_not(found: TwoRuns) -> None:
    better = lines(found)["hardened", "ASR of cyan-square"]
    assert (better.word, better.tone) == ("lower", "good")
    assert lines(found)["victim", "clean accuracy"].word == SAME
    assert {title for group, title in lines(found) if group == "screen"} == {"TPR", "FPR"}
    assert [(row.key, row.old, row.new) for row in found.settings] == [("seed", "3", "0")]


def test_the_gate_s_word_is_said_of_both_with_its_reasons(found: TwoRuns) -> None:
    assert found.headline == "The gate passes second and rejects first"
    (hardened,) = (group for group in found.groups if group.title == "hardened")
    assert hardened.words is not None
    old, new = hardened.words
    assert (old.text, new.text) == ("rejected", "passes the gate")
    assert new.reasons == () and any("attack success rate" in reason for reason in old.reasons)


def test_models_and_test_images_are_the_same_where_their_digests_are(folder: Path, found: TwoRuns) -> None:
    run = open_run(folder / "first", Digests())
    assert run.evaluation is not None
    metrics = run.evaluation.metrics
    models = metrics.models | {"victim": metrics.models["victim"].model_copy(update={"digest": "00" * 32})}
    data = metrics.data.model_copy(update={"digests": {**metrics.data.digests, "test": "44" * 32}})
    changed = metrics.model_copy(update={"models": models, "data": data})
    other = compare_runs(("a", "b"), run, replace(run, evaluation=replace(run.evaluation, metrics=changed)))
    assert [group.title for group in other.groups if group.same] == ["baseline", "hardened"]
    assert [thing.title for thing in other.others] == ["manifest: test"]
    assert found.paired == 15 and other.paired == 0, "on other images nothing is paired"


def test_where_one_has_no_such_model_or_attack_there_is_no_difference(tmp_path: Path) -> None:
    found = compared(tmp_path, Scene(), Scene(hardened=False, attacked=False))
    hardened = lines(found)["hardened", "clean accuracy"]
    assert isinstance(hardened.old, Value) and hardened.new is None and hardened.gap is None
    (group,) = (each for each in found.groups if each.title == "hardened")
    assert group.words is not None and group.words[1].text == "no such model"
    attack = lines(found)["victim", "ASR of cyan-square"]
    assert attack.old is not None and attack.new is None and attack.gap is None
    tpr = lines(found)["screen", "TPR"]
    assert tpr.new is None, "of a clean set nothing could be found"
    assert {row.key for row in found.settings} >= {"attacks.0", "attacks.1", "harden.0"}


def test_an_attack_that_aims_at_no_class_has_no_rate_to_compare(tmp_path: Path) -> None:
    found = compared(tmp_path, Scene(more=1), Scene(more=1))
    titles = {title for _, title in lines(found)}
    assert "ASR of cyan-square" in titles and "ASR of flipped" not in titles


@pytest.mark.parametrize("stopped", ["first", "second"])
def test_a_run_that_stopped_is_named_and_the_rest_is_compared(tmp_path: Path, stopped: str) -> None:
    scenes = [Scene(stop="TrainVictim") if name == stopped else Scene() for name in ("first", "second")]
    found = compared(tmp_path, *scenes)
    assert found.groups == () and found.candidates is None
    assert found.headline == f"{stopped} stopped at TrainVictim: there is no number to compare"
    assert found.data


def test_a_run_that_was_cut_off_is_named(tmp_path: Path) -> None:
    first, second = build_run(tmp_path / "first"), build_run(tmp_path / "second", Scene(stop="Poison"))
    record = load_execution(second)
    replace(record, status="Running", failed_step=None, steps=record.steps[:-1]).save()
    found = compare(first, second)
    assert isinstance(found, TwoRuns)
    assert found.unmeasured == ("second was cut off, or is still running",)


def test_only_what_differs_is_counted(tmp_path: Path) -> None:
    found = compared(tmp_path, Scene(), Scene())
    assert found.counted == (
        "0 settings, 0 digests of data and models, 0 files of code and 0 versions differ. "
        "The code of 7 steps is not known. Of 17 numbers 0 can be told apart."
    )
    assert found.headline == "The gate passes both"
