"""`data` as a person uses it: what is said, the entry that is copied, the sheet, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.cli.main import main

ATTACK = '\n[[attacks]]\nkind = "badnets"\ntarget = 1\nrate = 0.1\n'


def arrays(file: Path, classes: int, each: int, side: int = 8) -> Path:
    rng, y = np.random.default_rng(0), np.arange(classes * each) % classes
    x = rng.integers(0, 256, (len(y), side, side, 3), np.uint8)
    np.savez(file, x_train=x, y_train=y, x_test=x[: 4 * classes], y_test=y[: 4 * classes], spare=y)
    return file


@pytest.mark.parametrize(("classes", "each"), [(2, 12), (3, 40), (60, 9)])
def test_the_entry_is_pasted_and_planned(
    classes: int, each: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = arrays(tmp_path / "own.npz", classes, each)
    assert main(["data", str(file)]) == 0
    out = capsys.readouterr().out
    assert "recognized: an .npz file with x_train, y_train, x_test, y_test (source npz)" in out
    assert "images: 8 x 8, color" in out and "left out: 1 because" in out
    entry = out.partition("An entry to copy:\n\n")[2]
    assert f"path = {json.dumps(str(file))}" in entry
    (tmp_path / "mine.toml").write_text('name = "mine"\n' + entry + ATTACK)
    assert main(["plan", "--config", str(tmp_path / "mine.toml"), "--out", str(tmp_path / "runs")]) == 0


def test_many_classes_are_abridged_and_json_names_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = arrays(tmp_path / "own.npz", 60, 9)
    assert main(["data", str(file)]) == 0
    out = capsys.readouterr().out
    assert "and 40 more" in out and "median of all" in out and "│ 30 " not in out
    assert main(["data", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["classes"] == [str(number) for number in range(60)] and found["counts"]["train"] == [9] * 60
    assert found["source"] == "npz" and found["image"] == [8, 8, 3]


def test_a_sheet_shows_some_images_of_each_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, sheet = arrays(tmp_path / "own.npz", 3, 12), tmp_path / "sheet.png"
    assert main(["data", str(file), "--sheet", str(sheet)]) == 0
    assert f"contact sheet: {sheet}" in capsys.readouterr().out
    with Image.open(sheet) as picture:
        assert picture.format == "PNG" and picture.height > 3 * 64


def test_a_name_from_outside_cannot_act_on_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cat\x1b[2J", "dog[red]"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(20):
            Image.new("RGB", (9, 9), (number, 0, 0)).save(tmp_path / "own" / name / f"{number}.png")
    sheet = tmp_path / "sheet.png"
    assert main(["data", str(tmp_path / "own"), "--sheet", str(sheet)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and "cat\\x1b[2J" in out and "dog[red]" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["note.txt"], "no source reads a file of this kind (.txt)"),
        (["own.npz", "--source", "npzz"], "did you mean 'npz'?"),
        (["own.npz", "--sheet", "a.jpeg"], "it is a PNG that is written"),
        (["own.npz", "--sheet", "folder.png"], "it is a folder"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    arrays(tmp_path / "own.npz", 3, 12)
    (tmp_path / "note.txt").write_text("no images")
    (tmp_path / "folder.png").mkdir()
    assert main(["data", *words]) == 2
    assert said in capsys.readouterr().err
