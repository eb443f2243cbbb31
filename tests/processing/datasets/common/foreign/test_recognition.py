"""What reads a path, told by what lies there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from boomerang.errors import BadInput
from boomerang.settings import DataConfig
from processing.datasets import SOURCES
from processing.datasets.common.foreign.recognition import place_of, recognized, surveyed, with_source

READERS = [kind for kind in SOURCES if SOURCES[kind].needs_path]


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("wrappers", [(), ("archive",), ("archive", "set")])
def test_every_kind_is_recognized_below_folders_that_wrap_it(
    tmp_path: Path, kind: str, wrappers: tuple[str, ...]
) -> None:
    inner = tmp_path.joinpath(*wrappers)
    inner.mkdir(parents=True, exist_ok=True)
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    SOURCES[kind].write_example(inner)
    found, place = recognized(tmp_path)
    # A table knows the pictures of its rows however deep they lie: it needs not go down.
    assert found == kind and (place == inner or kind == "table")
    assert place_of(SOURCES[kind], tmp_path) == place


@pytest.mark.parametrize("kind", READERS)
def test_a_kind_is_taken_for_no_other(tmp_path: Path, kind: str) -> None:
    SOURCES[kind].write_example(tmp_path)
    assert [other for other in SOURCES if SOURCES[other].recognizes(tmp_path)] == [kind]


def test_where_several_could_read_it_the_entry_says_which(tmp_path: Path) -> None:
    for kind in ("npy", "npz"):
        SOURCES[kind].write_example(tmp_path)
    with pytest.raises(BadInput, match=r'as npy or as npz\n.*source = "npy"'):
        recognized(tmp_path)
    assert recognized(tmp_path, "npz")[0] == "npz"
    assert recognized(tmp_path, "npy")[0] == "npy"


def test_a_published_set_keeps_its_name(tmp_path: Path) -> None:
    SOURCES["idx"].write_example(tmp_path)
    data = DataConfig(source="mnist", path=str(tmp_path))
    assert with_source(data).source == "mnist"
    assert with_source(DataConfig(path=str(tmp_path))).source == "idx"
    assert with_source(DataConfig(source="folder", path=str(tmp_path))).source == "idx"
    assert with_source(DataConfig()).source == "synthetic"


def test_of_the_classes_those_are_counted_that_the_entry_names(tmp_path: Path) -> None:
    SOURCES["npz"].write_example(tmp_path)
    data = DataConfig(source="npz", path=str(tmp_path), classes=("2", "0"))
    found = surveyed(SOURCES["npz"](), data)
    assert found is not None and found.classes == ("2", "0")
    assert found.counts == {"train": (8, 8), "test": (4, 4)} and found.image == (12, 12, 3)


PICKLE = b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x04name\x94."


@pytest.mark.parametrize(
    ("name", "content", "words", "do"),
    [
        ("data_batch_1", PICKLE, "data_batch_1 is a pickle", r"cifar-10-binary\.tar\.gz"),
        ("faces.pt", b"PK\3\4", r"faces\.pt is a tensor of PyTorch", "np.savez"),
        ("train_32x32.mat", b"MATLAB 5.0 MAT-file", "Matlab", "scipy.io.loadmat"),
        ("train-00000.parquet", b"PAR1", "Parquet", "datasets.load_dataset"),
        ("a.tfrecord", b"\0" * 16, "TFRecord", "tf.data.TFRecordDataset"),
        ("photos.zip", b"PK\3\4", "an archive", "unpack it"),
        ("a.mp4", b"\0\0\0\x18ftyp", "a film", "frames"),
        ("notes.txt", b"hello", r"\(1 x \.txt\)|this kind \(\.txt\)", "give one of these: "),
    ],
)
def test_what_nothing_reads_is_named_with_what_to_do(
    tmp_path: Path, name: str, content: bytes, words: str, do: str
) -> None:
    (tmp_path / name).write_bytes(content)
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(BadInput, match=words) as caught:
            recognized(path)
        assert path.name in caught.value.what and do.replace("\\", "") in caught.value.do


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no source reads what lies there \(nothing\)"):
        recognized(tmp_path)


def test_an_array_alone_is_not_half_a_set(tmp_path: Path) -> None:
    np.save(tmp_path / "x_train.npy", np.zeros((4, 4), np.uint8))
    with pytest.raises(BadInput, match=r"1 x \.npy"):
        recognized(tmp_path)
