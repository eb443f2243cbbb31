"""The folder of Screen: what is written is read, and what does not fit is refused by the file's name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.screen import DetectorEntry, Screened, open_screen, write_screen
from boomerang.manifest import Manifest, commit, verify_folder

ROWS = 6


def entry(name: str) -> DetectorEntry:
    notes = {"classes": {"cat": {"p_value": 0.01}}}
    about = {"title": "a detector", "source": "Nobody 2020", "settings": {"kind": "k", "eps": 0.1}}
    return DetectorEntry(name=name, kind="k", flagged=1, threshold=2.5, notes=notes, **about)


def screened(detectors: int = 2) -> Screened:
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((detectors, ROWS))
    flagged = scores >= scores.max(1, keepdims=True)
    return Screened(~flagged.any(0), scores, flagged, tuple(entry(f"k-{i}") for i in range(detectors)))


@pytest.mark.parametrize("detectors", [0, 1, 2])
def test_what_is_written_is_read(tmp_path: Path, detectors: int) -> None:
    said = screened(detectors)
    manifest = write_screen(
        tmp_path / "screen", said, Manifest(name="t", seed=3, parents={"train": "0" * 64})
    )
    assert manifest == verify_folder(tmp_path / "screen")
    assert (manifest.kind, manifest.seed, set(manifest.parents)) == ("screen", 3, {"train"})
    found = open_screen(tmp_path / "screen", ROWS)
    for name in ("keep", "scores", "flagged"):
        mine, theirs = getattr(said, name), getattr(found, name)
        assert np.array_equal(mine, theirs) and mine.dtype == theirs.dtype
    assert found.detectors == said.detectors


def test_the_same_screen_is_the_same_bytes(tmp_path: Path) -> None:
    one, two = (write_screen(tmp_path / name, screened(), Manifest(name="t")) for name in "ab")
    assert one.digest == two.digest


@pytest.mark.parametrize("detectors", [0, 2])
def test_the_table_has_a_line_a_row_with_what_each_detector_says(tmp_path: Path, detectors: int) -> None:
    said = screened(detectors)
    write_screen(tmp_path / "screen", said, Manifest(name="t"))
    with (tmp_path / "screen" / "rows.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [line["row"] for line in table] == [str(row) for row in range(ROWS)]
    assert [line["kept"] == "1" for line in table] == said.keep.tolist()
    for number in range(detectors):
        scores = [float(line[f"k-{number} score"]) for line in table]
        assert np.allclose(scores, said.scores[number], rtol=1e-8)
        assert [line[f"k-{number} flagged"] == "1" for line in table] == said.flagged[number].tolist()


def test_the_report_counts_the_rows(tmp_path: Path) -> None:
    write_screen(tmp_path / "screen", screened(), Manifest(name="t"))
    report = json.loads((tmp_path / "screen" / "report.json").read_text())
    assert (report["format"], report["rows"]) == (1, ROWS)
    assert report["kept"] == int(screened().keep.sum())


def test_the_screen_of_a_set_of_another_size_is_refused(tmp_path: Path) -> None:
    write_screen(tmp_path / "screen", screened(), Manifest(name="t"))
    with pytest.raises(BadInput, match=r"keep\.npy is of 6 rows, the training set has 7"):
        open_screen(tmp_path / "screen", 7)


def _save(name: str, array: Any) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / f"{name}.npy", array)


def _report(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "report.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def _text(folder: Path) -> None:
    (folder / "flagged.npy").write_text("hello")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_save("keep", np.ones(ROWS, np.int64)), "keep.npy"),
        (_save("keep", np.ones(ROWS - 1, bool)), "keep.npy"),
        (_save("scores", np.zeros((2, ROWS), np.float32)), "scores.npy"),
        (_save("scores", np.zeros((1, ROWS))), "scores.npy"),
        (_save("scores", np.full((2, ROWS), np.nan)), "scores.npy"),
        (_save("flagged", np.zeros((2, ROWS), np.uint8)), "flagged.npy"),
        (_save("flagged", np.zeros((ROWS, 2), bool)), "flagged.npy"),
        (_text, "flagged.npy"),
        (_report(format=2), "report.json"),
        (_report(rows="many"), "report.json"),
        (_report(detectors=[]), "scores.npy"),
        (_report(detectors=[{"name": "k"}]), "report.json"),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused_by_name(
    tmp_path: Path, spoil: Callable[[Path], None], named: str
) -> None:
    """GIVEN a folder whose manifest is right and whose files are not THEN the file is named."""
    folder = tmp_path / "screen"
    manifest = write_screen(folder, screened(), Manifest(name="t"))
    spoil(folder)
    commit(folder, manifest)
    with pytest.raises(IntegrityError, match=named):
        open_screen(folder)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "screen"
    write_screen(folder, screened(), Manifest(name="t"))
    said = screened()
    np.save(folder / "keep.npy", replace(said, keep=~said.keep).keep)
    with pytest.raises(IntegrityError, match=r"keep\.npy has been changed"):
        open_screen(folder)


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "screen"
    commit(
        folder, write_screen(folder, screened(), Manifest(name="t")).model_copy(update={"kind": "dataset"})
    )
    with pytest.raises(IntegrityError, match="is no screen"):
        open_screen(folder)
