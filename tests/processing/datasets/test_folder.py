"""A folder of pictures as data."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from boomerang.errors import BadInput
from processing.datasets.common.corpus import Corpus, Request
from processing.datasets.folder import Folder
from processing.sharing.tasks import alone


def write(folder: Path, color: str, count: int = 5) -> None:
    folder.mkdir(parents=True)
    for i in range(count):
        Image.new("RGB", (50, 30), color).save(folder / f"{i}.png")


def test_an_image_folder_is_a_class_a_subfolder(tmp_path: Path) -> None:
    for name, color in (("cat", "red"), ("dog", "blue")):
        write(tmp_path / "f" / name, color)
    (tmp_path / "f" / "dog" / "broken.png").write_bytes(b"no picture")
    found = Folder().blueprint(Request(tmp_path / "f")).build(alone)
    assert found.name == "f"
    assert found.classes == ("cat", "dog") and len(found.train) == 8 and len(found.test) == 2
    assert found.train.x.shape[1:] == (32, 32, 3)
    red = found.train.x[found.train.y == 0]
    assert red[:, 16, 16].tolist() == [[255, 0, 0]] * 4
    assert [item["name"] for item in found.refused] == ["dog/broken.png"]


def test_a_folder_that_is_split_already_stays_so(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("test", 2)):
        for name, color in (("cat", "green"), ("dog", "red")):
            write(tmp_path / part / name, color, count)
    found = Folder().blueprint(Request(tmp_path)).build(alone)
    assert found.train.y.tolist() == [0, 0, 0, 1, 1, 1] and found.test.y.tolist() == [0, 0, 1, 1]


def read(path: Path, **settings: Any) -> Corpus:
    """The data, which is what the glance at it said."""
    source = Folder(**settings)
    survey = source.survey(path)
    corpus = source.blueprint(Request(path)).build(alone)
    assert (corpus.classes, corpus.notes, corpus.train.shape[1:]) == (
        survey.classes,
        survey.notes,
        survey.image,
    )
    return corpus


def pets(root: Path, count: int = 3, names: tuple[str, ...] = ("cat", "dog")) -> None:
    """A folder a class, each of a color of its own."""
    for name, color in zip(names, ("green", "brown", "blue", "red"), strict=False):
        write(root / name, color, count)


def test_one_class_is_too_few(tmp_path: Path) -> None:
    write(tmp_path / "cat", "red")
    with pytest.raises(BadInput, match="folders of pictures, one a class"):
        Folder().blueprint(Request(tmp_path))


def left_out(path: Path) -> dict[str, str]:
    found = Folder().blueprint(Request(path)).build(alone)
    return {entry["name"]: entry["reason"] for entry in found.refused}


def test_what_lies_beside_the_classes_is_named(tmp_path: Path) -> None:
    for name, color in (("cat", "green"), ("dog", "brown")):
        write(tmp_path / name, color)
    assert left_out(tmp_path) == {}
    (tmp_path / "readme.txt").write_text("these are pets")
    (tmp_path / "dog" / ".hidden.png").write_bytes((tmp_path / "dog" / "0.png").read_bytes())
    (tmp_path / ".DS_Store").write_bytes(b"\0")
    assert left_out(tmp_path) == {
        ".DS_Store": "it is hidden",
        "dog/.hidden.png": "it is hidden",
        "readme.txt": "it lies in no class' folder",
    }


def test_of_a_divided_folder_a_further_class_is_named(tmp_path: Path) -> None:
    for part in ("train", "test"):
        pets(tmp_path / part)
    write(tmp_path / "test" / "moose", "brown", 3)
    (tmp_path / "train" / "notes.txt").write_text("x")
    (tmp_path / "train" / "empty").mkdir()
    (tmp_path / "spare").mkdir()
    (tmp_path / "test" / "dog" / "broken.png").write_bytes((tmp_path / "test/dog/0.png").read_bytes()[:40])
    found = left_out(tmp_path)
    assert "cut off" in found.pop("test/dog/broken.png"), "which of the two it is of is said"
    assert found == {
        "spare": "it lies beside test and train, and these are read",
        "test/moose": "train has no class of that name",
        "train/empty": "there is no picture in it",
        "train/notes.txt": "it lies in no class' folder",
    }


@pytest.mark.parametrize(
    ("train", "test"),
    [("train", "val"), ("Training", "Testing"), ("seg_train", "seg_test"), ("TRAIN", "valid")],
)
def test_splits_are_known_by_what_people_call_them(tmp_path: Path, train: str, test: str) -> None:
    pets(tmp_path / train, 3)
    pets(tmp_path / test, 2)
    found = read(tmp_path)
    assert found.classes == ("cat", "dog") and (len(found.train), len(found.test)) == (6, 4)
    as_test = ("there is no test set: the validation set is taken as one",)
    assert found.notes == (as_test if "val" in test else ())


def test_a_validation_set_beside_a_test_set_is_of_trusted_rows(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("val", 2), ("test", 1)):
        pets(tmp_path / part, count)
    found = read(tmp_path)
    assert found.validation is not None and found.validation.y.tolist() == [0, 0, 1, 1]
    assert (len(found.train), len(found.test)) == (6, 2)


def test_splits_may_lie_within_the_classes(tmp_path: Path) -> None:
    for name, color in (("cat", "red"), ("dog", "blue")):
        write(tmp_path / name / "train", color, 3)
        write(tmp_path / name / "test", color, 2)
    found = read(tmp_path)
    assert found.classes == ("cat", "dog") and (len(found.train), len(found.test)) == (6, 4)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    pets(tmp_path, names=("bus", "car", "train"))
    assert read(tmp_path).classes == ("bus", "car", "train")


def test_pictures_of_no_class_are_no_test_set(tmp_path: Path) -> None:
    pets(tmp_path / "train", 5)
    write(tmp_path / "test", "red", 4)
    assert read(tmp_path).train.y.tolist() == [0] * 4 + [1] * 4
    assert left_out(tmp_path) == {"test": "it lies beside train, and these are read"}


def test_two_folders_of_one_split_are_refused(tmp_path: Path) -> None:
    for part in ("train", "Training", "test"):
        pets(tmp_path / part)
    assert Folder.recognizes(tmp_path)
    with pytest.raises(BadInput, match="Training and train are both its train set"):
        Folder().survey(tmp_path)


def test_all_pictures_below_a_class_are_its(tmp_path: Path) -> None:
    for day in ("day-10", "day-2"):
        pets(tmp_path / "wrap" / "deep" / day, 2, ("x",))
    write(tmp_path / "wrap" / "cat", "red", 3)
    write(tmp_path / "wrap" / "cat" / "extra" / "more", "red", 2)
    found = read(tmp_path)
    assert found.classes == ("cat", "deep") and len(found.train) == 7 and len(found.test) == 2


def test_the_order_of_classes_is_that_of_numbers_where_all_are_some(tmp_path: Path) -> None:
    for name in ("10", "9", "1"):
        write(tmp_path / "numbers" / name, "red" if name == "1" else "blue", 2)
        write(tmp_path / "names" / f"a{name}", "red" if name == "1" else "blue", 2)
    assert read(tmp_path / "numbers").classes == ("1", "9", "10")
    assert read(tmp_path / "names").classes == ("a1", "a10", "a9")


def test_names_are_composed_and_two_that_compose_alike_are_refused(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "müll")
    pets(tmp_path / "train", names=(apart, "papier"))
    pets(tmp_path / "test", names=("müll", "papier"))
    assert read(tmp_path).classes == ("müll", "papier")
    write(tmp_path / "train" / "müll", "red")
    with pytest.raises(BadInput, match="two folders 'müll'"):
        Folder().survey(tmp_path)


def test_links_out_and_what_systems_leave_are_left_out(tmp_path: Path) -> None:
    pets(tmp_path / "pets")
    write(tmp_path / "elsewhere", "red")
    (tmp_path / "pets" / "cat" / "9.png").symlink_to(tmp_path / "elsewhere" / "0.png")
    (tmp_path / "pets" / "cat" / "8.png").symlink_to("0.png")
    (tmp_path / "pets" / "cat" / "all").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "pets" / "moose").symlink_to(tmp_path / "pets" / "cat")
    pets(tmp_path / "pets" / "__MACOSX")
    (tmp_path / "pets" / "dog" / "Thumbs.db").write_bytes(b"x")
    assert left_out(tmp_path / "pets") == {
        "__MACOSX": "an operating system left it there",
        "cat/9.png": "it is a link that leads out of the folder",
        "cat/all": "it is a link that leads out of the folder",
        "dog/Thumbs.db": "an operating system left it there",
        "moose": "it is a link to a folder",
    }
    assert len(read(tmp_path / "pets").train) == 5


def test_a_class_that_only_training_has_is_said(tmp_path: Path) -> None:
    pets(tmp_path / "train", names=("cat", "dog", "fox"))
    pets(tmp_path / "test")
    assert read(tmp_path).notes == ("nothing is tested on the classes that the test set lacks: fox",)


def test_a_class_of_one_picture_has_none_to_test_on(tmp_path: Path) -> None:
    pets(tmp_path)
    write(tmp_path / "fox", "blue", 1)
    with pytest.raises(BadInput, match=r"'fox' .*two, one to train and one to test on"):
        Folder().survey(tmp_path)


def test_a_class_of_which_no_picture_decodes_is_refused_with_the_reasons(tmp_path: Path) -> None:
    pets(tmp_path, 2)
    for file in (tmp_path / "dog").iterdir():
        file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(BadInput, match=r"class 'dog' .*\n    dog/0.png: .*cut off"):
        Folder().blueprint(Request(tmp_path)).build(alone)


def test_pictures_of_any_shape_and_gray(tmp_path: Path) -> None:
    pets(tmp_path)
    assert read(tmp_path, size=(48, 24)).train.shape == (4, 48, 24, 3)
    assert read(tmp_path, size=20, channels=1).train.shape == (4, 20, 20, 1)
    for wrong in ({"size": 0}, {"size": (32, 1000)}, {"channels": 2}):
        with pytest.raises(ValueError, match=r"size|channels"):
            Folder(**wrong)


def test_further_frames_and_pages_are_named(tmp_path: Path) -> None:
    pets(tmp_path)
    frames = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "cat" / "film.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "dog" / "scan.tiff", save_all=True, append_images=frames[1:])
    why = "of its frames or pages the first is taken"
    assert left_out(tmp_path) == {"cat/film.gif": why, "dog/scan.tiff": why}
