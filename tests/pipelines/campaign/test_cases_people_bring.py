"""Small inputs as people bring them: what comes of each before any job, and the words that help."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from boomerang.errors import SeveralMistakes, UsageError
from pipelines.campaign.entry import load

ENTRY = """
name = "case"
[data]
path = "own.npz"
validation = 20
[canaries]
candidates_per_class = 2
[train]
batch = 16
"""
BARE = 'name = "case"\n[data]\npath = "own.npz"\n'
BADNETS = '[[attacks]]\nkind = "badnets"\ntarget = "1"\nrate = 0.05\n'


def labels(classes: int, each: int) -> npt.NDArray[np.int64]:
    return np.tile(np.arange(classes), each)


def brought(folder: Path, entry: str, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]) -> str:
    """Write the arrays and the entry; return the path of the entry."""
    rng = np.random.default_rng(0)
    x = [rng.integers(0, 256, (len(y), 16, 16, 3), np.uint8) for y in (train, test)]
    np.savez(folder / "own.npz", x_train=x[0], y_train=train, x_test=x[1], y_test=test)
    (folder / "case.toml").write_text(entry)
    return str(folder / "case.toml")


Y, T = labels(10, 20), labels(10, 5)
MANY, FEW = labels(100, 9), labels(100, 2)


@pytest.mark.parametrize(
    ("entry", "train", "test", "words"),
    [
        (ENTRY + BADNETS, Y, T, ""),
        (ENTRY + BADNETS, Y[Y != 4], T[T != 4], "data.validation = 20 is no multiple of the 9 classes"),
        (ENTRY + BADNETS, Y + 1, T + 1, ""),
        (ENTRY + BADNETS, Y - 1, T - 1, "one is -1"),
        (ENTRY + BADNETS, Y, T[T != 7], "add images of 7, or name the other classes in data.classes"),
        (ENTRY + BADNETS, Y[Y != 9], T, "one is 9, and no training row has that label"),
        (ENTRY + BADNETS.replace("0.05", "0.001"), Y, T, "raise it to 0.00625 or more"),
        (ENTRY + BADNETS + 'source = "2"\n', Y, T, ""),
        (ENTRY + BADNETS.replace("0.05", "0.5") + 'source = "2"\n', Y, T, "but only 16 of one class"),
        (ENTRY + BADNETS + "patch_px = 16\n", Y, T, "nothing of them is left to see"),
        (ENTRY + BADNETS + "patch_px = 17\n", Y, T, "it needs 17 pixels, the images are 16 x 16"),
        (
            'name = "case"\n[data]\npath = "own.npz"\n' + BADNETS,
            MANY,
            FEW,
            "set data.validation = 300, canaries",
        ),
        (ENTRY.replace("16", "500") + BADNETS, Y, T, "a batch of 500 is more than the 160 training rows"),
        (ENTRY + '[model]\narchitecture = "book"\n' + BADNETS, Y, T, ""),
    ],
)
def test_it_is_right_or_refused_before_any_job(
    entry: str, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64], words: str, tmp_path: Path
) -> None:
    file = brought(tmp_path, entry, train, test)
    if not words:
        assert load(file).data.source == "npz"
        return
    with pytest.raises(UsageError) as error:
        load(file)
    assert words in str(error.value) and not isinstance(error.value, SeveralMistakes)


def test_two_classes_of_one_name_are_refused_by_name(tmp_path: Path) -> None:
    file = brought(tmp_path, ENTRY + BADNETS, Y, T)
    (tmp_path / "classes.json").write_text(json.dumps(["crane", *"bcdefghi", "crane"]))
    with pytest.raises(UsageError, match="two classes of one name, 'crane'"):
        load(file)


def test_all_that_is_wrong_comes_at_once(tmp_path: Path) -> None:
    entry = ENTRY.replace("20", "15") + BADNETS.replace('"1"', "99") + "patch_px = 40\n"
    entry += '[[attacks]]\nkind = "sgi"\n[[screen.detectors]]\nkind = "scann"\n'
    with pytest.raises(SeveralMistakes) as error:
        load(brought(tmp_path, entry, Y, T))
    said = str(error.value)
    for words in ("15 is no multiple of the 10", "class '99'", "it needs 40 pixels", "'sig'", "'scan'"):
        assert words in said


def test_keys_of_one_file_that_are_wrong_come_at_once(tmp_path: Path) -> None:
    entry = ENTRY.replace("batch = 16", "bacth = 16").replace("= 20", '= "x"') + BADNETS
    with pytest.raises(
        SeveralMistakes, match=r"(?s)2 things are wrong.*'data.validation'.*unknown key 'train.bacth'"
    ):
        load(brought(tmp_path, entry, Y, T))


@pytest.mark.parametrize("named", ["3", '"3"'])
def test_digits_name_classes_as_numbers_and_as_texts(named: str, tmp_path: Path) -> None:
    entry = ENTRY.replace("validation", f"classes = [0, {named}]\nvalidation")
    file = brought(tmp_path, entry + BADNETS.replace('"1"', named), Y, T)
    config = load(file)
    assert config.data.classes == ("0", "3") and config.attacks[0].model_dump()["target"] == "3"
    assert load(file, ["attacks.0.target=0"]).attacks[0].model_dump()["target"] == "0"
