"""A model is opened from whatever holds it, and what would harm is refused before it is opened."""

from __future__ import annotations

import pickle
import shutil
import tarfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.foreign_models import network, rows, write_keras_2
from helpers.training_jobs import built, saved

from boomerang.errors import BadInput, IntegrityError, UsageError
from boomerang.formats.model import ARCHIVE
from pipelines.inspection.subject import open_subject
from training.model import classifier

X = rows(6).x


def test_a_file_of_keras_2_and_of_keras_3_are_the_same_model(tmp_path: Path) -> None:
    model = network()
    write_keras_2(tmp_path / "old.h5", model)
    model.save(tmp_path / "new.keras")
    old, new = (open_subject(tmp_path / name, 1.0) for name in ("old.h5", "new.keras"))
    assert np.array_equal(classifier(old.model)(X), classifier(new.model)(X))
    assert (old.name, old.shape, old.classes) == ("old.h5", (10, 10, 1), tuple("012345"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of Boomerang's, saved."""
    folder = tmp_path_factory.mktemp("model")
    saved(built(), folder, classes=("cat", "dog"))
    return folder


def packed(folder: Path, into: Path) -> Path:
    into.mkdir()
    with tarfile.open(into / ARCHIVE, "w:gz") as tar:
        for file in folder.iterdir():
            tar.add(file, file.name)
    return into / ARCHIVE


def test_a_folder_an_archive_and_a_package_of_ours_say_the_classes(ours: Path, tmp_path: Path) -> None:
    archive = packed(ours, tmp_path / "package")
    (archive.parent / "package.json").write_text("{}")
    found = [open_subject(path) for path in (ours, archive, archive.parent)]
    assert [each.classes for each in found] == [("cat", "dog")] * 3


def test_one_of_ours_that_was_changed_is_refused(ours: Path, tmp_path: Path) -> None:
    shutil.copytree(ours, tmp_path / "m")
    with (tmp_path / "m" / "model.keras").open("ab") as file:
        file.write(b"more")
    with pytest.raises(IntegrityError):
        open_subject(tmp_path / "m")


def test_a_scale_is_asked_for_and_not_taken_where_it_is_known(ours: Path, tmp_path: Path) -> None:
    network().save(tmp_path / "m.keras")
    with pytest.raises(UsageError, match="give --scale 1"):
        open_subject(tmp_path / "m.keras")
    with pytest.raises(UsageError, match="leave it out"):
        open_subject(ours, 1.0)


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    hostile = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Lambda(lambda x: x)])
    hostile.save(tmp_path / "lambda.keras")

    def name_a_lambda(description: dict[str, Any]) -> None:
        description["config"]["layers"][1]["class_name"] = "Lambda"

    write_keras_2(tmp_path / "lambda.h5", network(), name_a_lambda)
    (tmp_path / "pickle.h5").write_bytes(pickle.dumps([]))
    for name, said in (("lambda.keras", "Lambda"), ("lambda.h5", "Lambda"), ("pickle.h5", "a pickle")):
        with pytest.raises(BadInput, match=said):
            open_subject(tmp_path / name, 1.0)
    with pytest.raises(BadInput, match="no model in it"):
        open_subject(tmp_path)
