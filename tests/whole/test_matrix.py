"""A small campaign through the command line: undisturbed, killed and resumed, with cells that fail.

The digits, so that it takes minutes; the pages are kept where BOOMERANG_ARTIFACTS says.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.campaigns import BODY, run_campaign, start_campaign, steps_made, write_campaign
from helpers.faults import in_mounts
from helpers.once import once
from helpers.ranges import ROOT
from helpers.recomputed import recompute
from scipy.stats import binomtest

from pipelines.matrix.document import Matrix, read_matrix
from pipelines.matrix.quantities import ACCURACY, ASR, CPU, FPR, INNOCENT, MEMORY, POISONING, ROBUST, TPR
from pipelines.runs.records import load_execution

pytestmark = [pytest.mark.whole, pytest.mark.timeout(1500)]

_SEED = 12
# What depends on the clock, the machine or the folder.
_OTHERWISE = {CPU, MEMORY, POISONING}


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the campaign, run from its beginning to its end."""

    def make(folder: Path) -> None:
        code, said = run_campaign(write_campaign(folder), folder / "runs")
        (folder / "said").write_text(said)
        assert code == 0, said

    return once(tmp_path_factory, "campaign", make) / "runs" / "small"


def content(matrix: Matrix) -> dict[str, Any]:
    """All of a matrix but what depends on the clock, the machine or the folder."""
    cells = {}
    for cell in matrix.cells:
        numbers = {key: each for key, each in cell.numbers.items() if key not in _OTHERWISE}
        runs = [each.model_copy(update={"seconds": 0.0, "command": ""}) for each in cell.runs]
        changed = {"numbers": numbers, "runs": tuple(runs)}
        cells[cell.row, cell.column] = cell.model_copy(update=changed).model_dump()
    return {"rows": matrix.rows, "columns": matrix.columns, "cells": cells}


def made(folder: Path, row: str, seed: int, step: str, output: str) -> Path:
    """Return what a step of the attacked cell of a row has made."""
    return load_execution(folder / f"corner-0.04.{row}.s{seed}").path(step, output)


def test_every_step_that_cells_share_runs_once(undisturbed: Path) -> None:
    made = steps_made(undisturbed)
    assert len(made) == len(set(made))
    said = (undisturbed.parents[1] / "said").read_text()
    assert f"14 of 14 runs, {len(made)} of {len(made)} steps" in said


def test_killed_twice_and_resumed_it_is_the_same_matrix(undisturbed: Path, tmp_path: Path) -> None:
    file, drawn = write_campaign(tmp_path), random.Random(_SEED)
    for _ in range(2):
        process = start_campaign(file, tmp_path / "runs")
        assert process.stdout is not None
        for _ in range(drawn.randint(1, 5)):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    code, said = run_campaign(file, tmp_path / "runs")
    assert code == 0, said
    resumed = read_matrix(tmp_path / "runs" / "small" / "matrix.json")
    assert content(resumed) == content(read_matrix(undisturbed / "matrix.json"))


def test_numbers_are_those_of_the_predictions(undisturbed: Path) -> None:
    matrix = read_matrix(undisturbed / "matrix.json")
    for row, model in (("nothing", "victim"), ("perfect", "hardened"), ("clustering", "hardened")):
        numbers = matrix.cell(row, "corner-0.04").numbers
        seen = [
            recompute(
                load_execution(undisturbed / f"corner-0.04.{row}.s{seed}").path("Evaluate", "evaluation")
            )
            for seed in matrix.seeds
        ]
        for key, rates in {
            ACCURACY: [each[model]["clean_accuracy"] for each in seen],
            ASR: [each[model]["attacks"][0]["asr"] for each in seen],
            ROBUST: [each[model]["attacks"][0]["ra"] for each in seen],
        }.items():
            successes, total = (sum(rate[what] for rate in rates) for what in ("successes", "total"))
            interval = binomtest(successes, total).proportion_ci(method="wilson")
            found = numbers[key]
            assert (found.successes, found.total) == (successes, total)
            assert np.allclose((found.low, found.high), (interval.low, interval.high))
            assert np.isclose(found.value, np.mean([rate["successes"] / rate["total"] for rate in rates]))


def test_the_controls_are_as_they_must_be(undisturbed: Path) -> None:
    matrix = read_matrix(undisturbed / "matrix.json")
    nothing, chance, perfect = (matrix.cell(row, "corner-0.04") for row in ("nothing", "random", "perfect"))
    assert (perfect.numbers[TPR].value, perfect.numbers[FPR].value) == (1, 0)
    clean = [recompute(made(undisturbed, "perfect", seed, "Evaluate", "evaluation")) for seed in matrix.seeds]
    floor = max(each["baseline"]["attacks"][0]["asr"]["value"] for each in clean)
    assert perfect.numbers[ASR].value <= floor + 0.02, "as low as the model that never saw poison"
    assert nothing.numbers[ASR].value > 0.9
    assert chance.numbers[ASR].value > nothing.numbers[ASR].value - 0.05, "no better than nothing"
    assert chance.numbers[INNOCENT].value > 0.8
    flagged = matrix.cell("perfect", "clean")
    assert flagged.numbers[FPR].value == 0 and INNOCENT not in flagged.numbers


def test_a_filter_of_chance_takes_as_many_rows_as_the_perfect_one(undisturbed: Path) -> None:
    for seed in (0, 1):
        kept = [
            np.load(made(undisturbed, row, seed, "Screen", "screen") / "keep.npy")
            for row in ("random", "perfect")
        ]
        assert kept[0].sum() == kept[1].sum() < len(kept[0])
        assert (kept[0] != kept[1]).any()


def test_one_cell_that_raises_and_one_that_is_refused_leave_the_rest_whole(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in ("aws", "boomerang", "images", "pipelines", "processing", "training"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    broken = project / "processing/defenses/screening/spectral_signatures.py"
    text = broken.read_text()
    at = text.index("def score(self")
    line = text.index("\n", text.index(":\n", at)) + 1
    broken.write_text(text[:line] + '        raise RuntimeError("this defense raises")\n' + text[line:])
    campaign = BODY.replace("seeds = [0, 1]", "seeds = [0]\nclean = false\ncontrols = ['nothing']") + (
        '[[defenses]]\nname = "raises"\ndetectors = [{ kind = "spectral_signatures" }]\n'
        '[[defenses]]\nname = "refused"\nset = { train = { epochs = 0 } }\n'
    )
    file = write_campaign(tmp_path, campaign)
    code, said = run_campaign(file, tmp_path / "runs", project=project)
    assert code == 2, said
    assert "2 of 4 runs have no number: corner-0.04.raises.s0, corner-0.04.refused.s0" in said
    matrix = read_matrix(tmp_path / "runs" / "small" / "matrix.json")
    found = {row.id: matrix.cell(row.id, "corner-0.04") for row in matrix.rows}
    assert {name: cell.status for name, cell in found.items()} == {
        "nothing": "whole",
        "clustering": "whole",
        "raises": "failed",
        "refused": "refused",
    }
    assert "this defense raises" in found["raises"].why
    assert "train.epochs" in found["refused"].why


def test_a_disk_that_is_full_in_the_middle_is_named_and_the_rest_is_whole(
    undisturbed: Path, tmp_path: Path
) -> None:
    one = BODY.replace("seeds = [0, 1]", "seeds = [0]\nclean = false\ncontrols = ['nothing', 'perfect']")
    file = write_campaign(tmp_path, one)
    (tmp_path / "disk").mkdir()
    disk, left = tmp_path / "disk", tmp_path / "left"
    script = f"""
mount -t tmpfs -o size=64m tmpfs {disk}; "$@" --only nothing
used=$(df --output=used -k {disk} | tail -1); mount -o remount,size=$((used + 300))k {disk}
"$@" || code=$?; cp -a {disk} {left}; exit ${{code:-0}}"""
    code, said = run_campaign(file, disk, "--jobs", "1", below=in_mounts(script))
    assert code == 2, said
    assert "corner-0.04.perfect.s0: " in said and "No space left on device" in said
    assert "perfect x corner-0.04 failed" in said and "clustering x corner-0.04 failed" in said
    whole = read_matrix(undisturbed / "matrix.json")
    assert "corner-0.04.nothing.s0 done" in said, "what came before the end of the disk is whole"
    code, said = run_campaign(file, left, "--jobs", "1")
    assert code == 0, said
    again = read_matrix(left / "small" / "matrix.json")
    for row in ("nothing", "perfect", "clustering"):
        mine = again.cell(row, "corner-0.04").numbers[ASR].by_seed["0"]
        assert mine == whole.cell(row, "corner-0.04").numbers[ASR].by_seed["0"]


def test_the_page_of_a_campaign_is_kept(undisturbed: Path) -> None:
    page = (undisturbed / "matrix.html").read_text()
    assert "a perfect filter" in page and str(undisturbed) not in page
    if folder := os.environ.get("BOOMERANG_ARTIFACTS"):
        for suffix in ("html", "json", "csv"):
            shutil.copy(undisturbed / f"matrix.{suffix}", Path(folder) / f"campaign-digits.{suffix}")
