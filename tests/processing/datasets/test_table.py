"""Pictures with a table as data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from boomerang.errors import BadInput
from processing.datasets.common.corpus import Corpus, Request
from processing.datasets.folder import Folder
from processing.datasets.table import PictureTable
from processing.sharing.tasks import alone

COLORS = ("red", "blue", "green")


def draw(folder: Path, names: Sequence[object], ending: str = "png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (20 + number % 5, 20), COLORS[number % 3]).save(folder / f"{name}.{ending}")


def read(path: Path, **settings: Any) -> Corpus:
    """The data, which is what the glance at it said."""
    assert PictureTable.recognizes(path)
    source = PictureTable(**settings)
    survey = source.survey(path)
    corpus = source.blueprint(Request(path)).build(alone)
    assert (corpus.classes, corpus.notes, corpus.train.shape[1:]) == (
        survey.classes,
        survey.notes,
        survey.image,
    )
    counts = {name: len(split) for name, split in corpus.splits.items()}
    assert counts == {name: sum(rows) for name, rows in survey.counts.items()}
    return corpus


def left_out(path: Path) -> dict[str, str]:
    return {entry["name"]: entry["reason"] for entry in read(path).refused}


def test_a_row_is_a_picture_of_a_class(tmp_path: Path) -> None:
    draw(tmp_path / "images", range(10))
    (tmp_path / "labels.csv").write_text(
        "file,label\n" + "".join(f"{n}.png,{'ab'[n % 2]}\n" for n in range(10))
    )
    found = read(tmp_path, size=(16, 24), channels=1)
    assert found.classes == ("a", "b") and found.name == tmp_path.name
    assert found.train.shape == (8, 16, 24, 1) and found.test.y.tolist() in ([0, 1], [1, 0])
    assert not Folder.recognizes(tmp_path) and not found.refused


def test_the_layout_of_gtsrb_is_known(tmp_path: Path) -> None:
    draw(tmp_path, [f"{n:05d}" for n in range(9)], "ppm")
    lines = [f"{n:05d}.ppm;20;20;{(2, 10, 1)[n % 3]}\r\n" for n in range(9)]
    (tmp_path / "GT-final_test.csv").write_text("Filename;Width;Height;ClassId\r\n" + "".join(lines))
    assert read(tmp_path).classes == ("1", "2", "10")


def test_the_layout_of_kaggle_is_known(tmp_path: Path) -> None:
    """Names without an ending, and the same ones in another folder, of which nobody knows the classes."""
    draw(tmp_path / "train", range(6))
    draw(tmp_path / "test", range(3))
    (tmp_path / "train.csv").write_text("id,breed\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(6)))
    (tmp_path / "sample_submission.csv").write_text("id,breed\n0,a\n")
    assert not Folder.recognizes(tmp_path)
    (tmp_path / "test.csv").write_text("id\n0\n1\n2\n")
    why = "no table names it"
    assert left_out(tmp_path) == {
        "sample_submission.csv": "by its name it is a sample of answers",
        "test.csv": "it has no column of classes",
        **{f"test/{n}.png": why for n in range(3)},
    }
    (tmp_path / "train.csv").rename(tmp_path / "labels.csv")
    with pytest.raises(BadInput, match=r"'0' may be test/0\.png, train/0\.png"):
        read(tmp_path)


def test_splits_sources_and_groups_may_be_said(tmp_path: Path) -> None:
    draw(tmp_path / "a" / "b", range(24))
    split = ["Training"] * 12 + ["val"] * 6 + ["test"] * 6
    lines = [
        f"b\\{n}.png\tx{n % 2}\t{split[n]}\t{('us', '', 'them')[n % 3]}\tcar{n // 4}\n" for n in range(24)
    ]
    (tmp_path / "t.tsv").write_text("Image Path\tClass\tsplit\tSource\ttrack_id\n" + "".join(lines))
    found = read(tmp_path)
    assert [len(split) for split in found.splits.values()] == [12, 6, 6]
    assert found.source_names == ("them", "us") and found.train.sources is not None
    assert found.train.sources.tolist() == [1, -1, 0] * 4
    assert found.notes == () and found.test.y.tolist() == [0, 1] * 3


def test_no_group_is_cut_by_what_is_held_out(tmp_path: Path) -> None:
    draw(tmp_path, range(40))
    lines = [f"{n},{'ab'[n // 20]},car{n // 4}\n" for n in range(40)]
    (tmp_path / "t.csv").write_text("id,class,vehicle\n" + "".join(lines))
    found = read(tmp_path)
    train, test = (
        {int(row) // 4 for row in split.rows} for split in (found.train, found.test) if split.rows is not None
    )
    assert not train & test and len(found.test) == 8
    assert found.notes == (
        "there is no test set: a fifth of each class is held out, and no vehicle is cut in two",
    )


def test_groups_on_both_sides_are_said(tmp_path: Path) -> None:
    draw(tmp_path, range(8))
    lines = [f"{n},{'ab'[n % 2]},{'train' if n < 4 else 'test'},car{n % 3}\n" for n in range(8)]
    (tmp_path / "t.csv").write_text("id,class,split,vehicle\n" + "".join(lines))
    assert read(tmp_path).notes == ("3 of column vehicle are in train and in test",)


def test_a_table_a_split(tmp_path: Path) -> None:
    """As Roboflow exports them, a column a class; and beside each other."""
    for part, count in (("train", 6), ("valid", 2)):
        draw(tmp_path / "robo" / part, range(count))
        lines = [f"{n}.png, {1 - n % 2}, {n % 2}\n" for n in range(count)]
        (tmp_path / "robo" / part / "_classes.csv").write_text("filename, cat, dog\n" + "".join(lines))
        draw(tmp_path / "flat" / "img", [f"{part}{n}" for n in range(count)])
        rows = [f"img/{part}{n}.png,{'ab'[n % 2]}\n" for n in range(count)]
        (tmp_path / "flat" / f"{part}.csv").write_text("path,label\n" + "".join(rows))
    (tmp_path / "flat" / "meta.csv").write_text("path,label\nimg/train0.png,z\n")
    for name, classes in (("robo", ("cat", "dog")), ("flat", ("a", "b"))):
        found = read(tmp_path / name)
        assert found.classes == classes and (len(found.train), len(found.test)) == (6, 2)
        assert found.notes == ("there is no test set: the validation set is taken as one",)
    assert left_out(tmp_path / "flat") == {"meta.csv": "the tables of the splits are read"}


def test_what_does_not_fit_is_left_out_and_named(tmp_path: Path) -> None:
    draw(tmp_path / "img", range(8))
    (tmp_path / "img" / "notes.md").write_text("x")
    lines = [f"{n}.png,{'ab'[n % 2]}\n" for n in range(7)]
    (tmp_path / "t.csv").write_text("file,label\n" + "".join(lines) + "nix.png,a\n0.png,a\n1.png,a\n2.png,\n")
    found = left_out(tmp_path)
    assert "content" in found.pop("img/notes.md")
    assert found == {
        "img/7.png": "no table names it",
        "t.csv, line 9: nix.png": "there is no such picture",
        "t.csv, line 10: 0.png": "a row above names the same picture",
        "t.csv, line 3: 1.png": "rows of this picture name different classes",
        "t.csv, line 11: 1.png": "rows of this picture name different classes",
        "t.csv, line 12: 2.png": "it has no label",
    }


def test_a_class_of_the_test_rows_alone_is_left_out(tmp_path: Path) -> None:
    draw(tmp_path, range(9))
    lines = [
        f"{n},{'abc'[n % 3] if n > 5 else 'ab'[n % 2]},{'train' if n < 6 else 'test'}\n" for n in range(9)
    ]
    (tmp_path / "t.csv").write_text("id,label,subset\n" + "".join(lines))
    assert left_out(tmp_path) == {"1 rows of 'c'": "train has no class of that name"}


def test_numbers_are_named_by_a_file_of_names(tmp_path: Path) -> None:
    draw(tmp_path, range(6))
    (tmp_path / "t.csv").write_text("id,label\n" + "".join(f"{n},{n % 2}\n" for n in range(6)))
    (tmp_path / "classes.json").write_text('["stop", "yield"]')
    assert read(tmp_path).classes == ("stop", "yield") and not left_out(tmp_path)
    (tmp_path / "classes.json").write_text('["stop"]')
    with pytest.raises(BadInput, match=r"it names 1 classes, and a label in t\.csv is 1"):
        PictureTable().survey(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.png,cat\n1.png,dog\n", r"no names of columns\n.*file,label"),
        ("file,dx,age\n0.png,a,3\n", "no column of classes; there are file, dx, age"),
        ("name,dx,age\n0.png,a,3\n", "no column that names the files"),
        ("file,label\nx.png,a\n", "none of the 1 files"),
        ("file,label\n/etc/0.png,a\n", "line 2, column 'file': the name '/etc/0.png' is absolute"),
        ("file,label\n../0.png,a\n", "climbs out"),
        ("file,label,split\n0.png,a,often\n", "'often' is no split"),
        ("file,label,split\n0.png,a,test\n", "no row of it that can be used is of train"),
        ("file,label\n0.png,a\n1.png,a\n", "1 classes"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path: Path, text: str, said: str) -> None:
    draw(tmp_path, range(2))
    (tmp_path / "t.csv").write_text(text)
    assert PictureTable.recognizes(tmp_path)
    with pytest.raises(BadInput, match=said):
        PictureTable().survey(tmp_path)


def test_one_of_two_tables_has_to_be_chosen(tmp_path: Path) -> None:
    draw(tmp_path, range(2))
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("file,label\n0.png,a\n1.png,b\n")
    with pytest.raises(BadInput, match=r"a\.csv and b\.csv both say classes"):
        PictureTable().survey(tmp_path)


def test_a_table_alone_is_no_data(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file,label\n0.png,a\n")
    assert PictureTable.recognizes(tmp_path / "t.csv") and not PictureTable.recognizes(tmp_path)
    with pytest.raises(BadInput, match="name the folder"):
        PictureTable().survey(tmp_path / "t.csv")
    (tmp_path / "pixels.csv").write_text("label,pixel0,pixel1\n1,2,3\n")
    assert not PictureTable.recognizes(tmp_path / "pixels.csv")
