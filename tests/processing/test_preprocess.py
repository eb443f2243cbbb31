"""Preprocess, as a real job on a moved root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.memory import risen
from helpers.ranges import ROOT
from PIL import Image

from boomerang.blocks import row_digests
from boomerang.contract import ROOT_ENV, Job
from boomerang.formats.notices import notices_below
from boomerang.manifest import opened, verify_folder, write_dataset
from boomerang.settings import PreprocessSettings
from processing.datasets import synthetic
from processing.datasets.common.corpus import Corpus, Split
from processing.preprocess import preprocess, splits

SETTINGS = {
    "seed": 3,
    "data": {"source": "npz", "path": "x", "train": 40, "test": 20, "validation": 20},
    "pictures": [{"name": "cats", "path": "p", "label": "cat"}],
    "canaries": {"candidates_per_class": 2},
}


def make_job(root: Path, settings: dict[str, object], channels: int = 3, width_px: int = 12) -> None:
    """Lay out a job: an .npz of two classes, three pictures and a broken one."""
    rng = np.random.default_rng(0)
    inputs = root / "processing" / "input"
    for name in ("config", "source", "pictures/cats"):
        (inputs / name).mkdir(parents=True)
    (inputs / "config" / "config.json").write_text(json.dumps(settings))
    shape = (12, width_px) if channels == 1 else (12, width_px, channels)
    np.savez(
        inputs / "source" / "mine.npz",
        x_train=rng.integers(0, 256, (100, *shape), np.uint8),
        y_train=np.arange(100) % 2,
        x_test=rng.integers(0, 256, (30, *shape), np.uint8),
        y_test=np.arange(30) % 2,
    )
    (inputs / "source" / "classes.json").write_text('["cat", "dog"]')
    for i in (2, 10, 1):
        Image.new("RGB", (40 + i, 40 + i), (i, 0, 0)).save(inputs / "pictures" / "cats" / f"c-{i}.png")
    (inputs / "pictures" / "cats" / "broken.jpeg").write_bytes(b"\xff\xd8\xff")


def run(root: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, ROOT_ENV: str(root)}
    command = [sys.executable, "-m", "processing.preprocess"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_the_splits_are_balanced_disjoint_and_of_the_size_asked_for(tmp_path: Path) -> None:
    make_job(tmp_path, SETTINGS)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "processing" / "output"
    sizes = {"train": 40, "validation": 20, "heldout/test": 20, "heldout/canary": 4}
    seen: set[bytes] = set()
    for name, size in sizes.items():
        verify_folder(out / name)
        data = opened(out / name)
        assert np.bincount(data.y).tolist() == [size // 2] * 2 and data.classes == ("cat", "dog")
        assert data.manifest.name == "mine" and data.manifest.seed == 3
        rows = {row.tobytes() for row in data.x}
        assert len(rows) == size and not rows & seen
        seen |= rows


def of_rows(folder: Path) -> list[bytes]:
    return [row.tobytes() for row in opened(folder).x]


def test_rows_of_the_past_are_so_many_of_each_class_and_the_rest_is_delivered(tmp_path: Path) -> None:
    """GIVEN 12 of 40 rows as rows of the past THEN the same 40 are there and no other split changes."""
    for name, history in (("without", 0), ("past", 12), ("again", 12)):
        make_job(tmp_path / name, {**SETTINGS, "data": {**SETTINGS["data"], "history": history}})  # type: ignore[dict-item]  # a plain dict
        assert run(tmp_path / name).returncode == 0
    without, past, again = (tmp_path / name / "processing/output" for name in ("without", "past", "again"))
    assert not (without / "history").exists()
    assert np.bincount(opened(past / "history").y).tolist() == [6, 6]
    assert np.bincount(opened(past / "train").y).tolist() == [14, 14]
    assert sorted(of_rows(past / "history") + of_rows(past / "train")) == sorted(of_rows(without / "train"))
    assert of_rows(past / "history") == of_rows(again / "history")
    for name in ("validation", "heldout/test", "heldout/canary"):
        assert of_rows(past / name) == of_rows(without / name)
    make_job(tmp_path / "other", {**SETTINGS, "seed": 4, "data": {**SETTINGS["data"], "history": 12}})  # type: ignore[dict-item]  # a plain dict
    assert run(tmp_path / "other").returncode == 0
    assert set(of_rows(tmp_path / "other/processing/output/history")) != set(of_rows(past / "history"))


def test_without_rows_of_the_past_the_settings_do_not_name_them() -> None:
    plain = PreprocessSettings.model_validate(SETTINGS)
    assert "history" not in plain.model_dump(mode="json")["data"]
    some = PreprocessSettings.model_validate({**SETTINGS, "data": {"history": 12}})
    assert some.model_dump(mode="json")["data"]["history"] == 12


def test_pictures_become_a_dataset_of_one_class_and_files_for_the_eye(tmp_path: Path) -> None:
    make_job(tmp_path, SETTINGS)
    assert run(tmp_path).returncode == 0
    photos = tmp_path / "processing" / "output" / "photos"
    cats = opened(photos / "cats")
    assert cats.manifest.recipe["files"] == ["c-1.png", "c-2.png", "c-10.png"]
    assert cats.x[:, 6, 6, 0].tolist() == [1, 2, 10]
    assert cats.y.tolist() == [0, 0, 0]
    assert [item["name"] for item in cats.manifest.refused] == ["broken.jpeg"]
    assert len(list((photos / "for-the-eye" / "cats" / "pictures").iterdir())) == 3


def test_gray_data_gets_gray_pictures(tmp_path: Path) -> None:
    make_job(tmp_path, SETTINGS, channels=1)
    assert run(tmp_path).returncode == 0
    cats = opened(tmp_path / "processing" / "output" / "photos" / "cats")
    picture = np.asarray(Image.new("RGB", (1, 1), (10, 0, 0)).convert("L"))
    assert cats.x.shape == (3, 12, 12, 1) and cats.x[2, 6, 6, 0] == picture[0, 0]


def test_data_of_any_shape_gets_pictures_of_it(tmp_path: Path) -> None:
    make_job(tmp_path, SETTINGS, width_px=20)
    assert run(tmp_path).returncode == 0
    photos = tmp_path / "processing" / "output" / "photos"
    cats = opened(photos / "cats")
    assert cats.x.shape == (3, 12, 20, 3)
    row = cats.x[2, 6, :, 0]
    assert (row[:3] > 240).all() and (row[-3:] > 240).all() and (row[6:14] < 20).all(), "padded at the sides"
    assert verify_folder(photos / "for-the-eye" / "cats").recipe["size_px"] == [12, 20]


def test_pictures_in_a_folder_become_datasets_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    data = {
        "source": "folder",
        "path": ".",
        "name": "pets",
        "validation": 10,
        "size": [12, 20],
        "channels": 1,
    }
    settings = {**SETTINGS, "data": data}
    make_job(tmp_path, settings)
    source = tmp_path / "processing" / "input" / "source"
    for file in source.iterdir():
        file.unlink()
    for name, level in (("cat", 40), ("dog", 200)):
        for part, count in (("train", 9), ("val", 6), ("test", 3)):
            (source / part / name).mkdir(parents=True)
            for number in range(count):
                file = source / part / name / f"{number}.png"
                Image.new("RGB", (30, 18), (level + number,) * 3).save(file)
    (source / "train" / "cat" / "9.txt").write_text("x")
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "processing" / "output"
    found = {name: opened(out / name) for name in ("train", "validation", "heldout/test", "heldout/canary")}
    assert {name: data.x.shape for name, data in found.items()} == {
        "train": (14, 12, 20, 1),
        "validation": (10, 12, 20, 1),
        "heldout/test": (6, 12, 20, 1),
        "heldout/canary": (4, 12, 20, 1),
    }
    manifest = found["train"].manifest
    assert manifest.name == "pets" and [entry["name"] for entry in manifest.refused] == ["train/cat/9.txt"]
    assert opened(out / "photos" / "cats").x.shape == (3, 12, 20, 1)


def test_the_same_job_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_job(tmp_path / name, SETTINGS)
        assert run(tmp_path / name).returncode == 0
    one, two = (tmp_path / name / "processing" / "output" for name in ("one", "two"))
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file())
    assert all((one / f).read_bytes() == (two / f).read_bytes() for f in files)


def test_without_a_size_every_row_is_taken(tmp_path: Path) -> None:
    make_job(tmp_path, {**SETTINGS, "data": {"source": "npz", "path": "x", "validation": 20}})
    assert run(tmp_path).returncode == 0
    out = tmp_path / "processing" / "output"
    assert len(opened(out / "train")) == 100 - 20 - 4
    assert len(opened(out / "heldout" / "test")) == 30


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": {**SETTINGS["data"], "train": 41}}, ["41 rows", "multiple of the 2 classes", "take 40"]),  # type: ignore[dict-item]  # a plain dict
        ({"data": {**SETTINGS["data"], "train": 400}}, ["class 'cat'", "200 are needed"]),  # type: ignore[dict-item]  # a plain dict
        ({"data": {**SETTINGS["data"], "history": 11}}, ["11 rows", "multiple of the 2 classes", "take 10"]),  # type: ignore[dict-item]  # a plain dict
        (
            {"data": {"source": "npz", "path": "x", "validation": 20, "history": 76}},
            ["'data.history' 76", "class 'cat' has 38 training rows", "a row of each class is delivered"],
        ),
        ({"pictures": [{"name": "cats", "path": "p", "label": "cta"}]}, ["cta", "did you mean 'cat'?"]),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, change: dict[str, object], words: list[str]) -> None:
    make_job(tmp_path, {**SETTINGS, **change})
    done = run(tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_what_was_left_out_is_data_beside_what_was_made(tmp_path: Path) -> None:
    make_job(tmp_path, SETTINGS)
    inputs = tmp_path / "processing" / "input"
    (inputs / "source" / "more.npy").write_bytes(b"x")
    (inputs / "pictures" / "cats" / ".thumbs").write_bytes(b"x")
    assert run(tmp_path).returncode == 0
    found = {(said.kind, said.what, said.name) for said in notices_below(tmp_path / "processing" / "output")}
    assert found == {
        ("left out", "mine", "more.npy"),
        ("left out", "cats", ".thumbs"),
        ("left out", "cats", "broken.jpeg"),
    }


def make_drawn(root: Path, data: dict[str, object]) -> Job:
    settings = {**SETTINGS, "data": data, "pictures": []}
    (root / "processing/input/config").mkdir(parents=True)
    (root / "processing/input/config/config.json").write_text(json.dumps(settings))
    return Job(root)


def test_pictures_drawn_a_few_at_a_time_are_the_folders_of_those_drawn_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_drawn(tmp_path / "job", {"source": "synthetic", "train": 60, "test": 20, "validation": 20})
    monkeypatch.setattr("processing.datasets.synthetic._DRAWN_AT_ONCE", 48)
    monkeypatch.setattr("processing.datasets.common.corpus._PICKED_AT_ONCE", 5)
    monkeypatch.setattr("processing.sharing.spool.BLOCK_BYTES", 1 << 14)
    preprocess(job)

    settings = job.settings(PreprocessSettings)
    sizes = ((60 + 20 + 20, 3), (20, 3 + (1 << 32)))  # rows and seed of each; candidates are 2 a class
    labels = [synthetic.labels(*each) for each in sizes]
    train, test = (Split(synthetic.draw(y, seed), y) for y, (_, seed) in zip(labels, sizes, strict=True))
    corpus = Corpus(synthetic.NAME, synthetic.CLASSES, train, test)
    for name, split in splits(corpus, settings).items():
        written = write_dataset(
            tmp_path / name,
            split.x,
            split.y,
            name=corpus.name,
            classes=corpus.classes,
            recipe={"data": settings.data.model_dump(mode="json"), "split": name},
            seed=3,
        )
        folder = {"test": "heldout/test", "canary": "heldout/canary"}.get(name, name)
        assert opened(job.output(folder)).manifest == written.manifest


@pytest.mark.parametrize("kind", ["a pair", "an archive"])
def test_arrays_of_a_user_are_never_in_memory_as_a_whole(tmp_path: Path, kind: str) -> None:
    source_kind = "npy" if kind == "a pair" else "npz"
    job = make_drawn(tmp_path, {"source": source_kind, "path": "x", "validation": 20})
    source, rows = tmp_path / "processing/input/source", 60_000
    source.mkdir()
    y = np.arange(rows) % 2
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (rows, 32, 32, 3))
    x[:] = y.astype(np.uint8)[:, None, None, None]
    x.flush()
    if kind == "a pair":
        (tmp_path / "x.npy").rename(source / "x.npy")
        np.save(source / "y.npy", y)
    else:
        np.savez(source / "mine.npz", x_train=x, y_train=y, x_test=x[:100], y_test=y[:100])
    nbytes = x.nbytes
    del x
    with risen() as rise:
        preprocess(job)
    train = opened(job.output("train"))
    assert nbytes > 170 << 20 and rise.bytes < 110 << 20
    assert np.array_equal(train.x[::99, 31, 31, 2], train.y[::99]) and len(train) > 47_000


DRAWN = {"source": "synthetic", "train": 60, "test": 20, "validation": 20}


def test_the_training_rows_are_dealt_to_suppliers_and_are_the_rows_that_they_were(tmp_path: Path) -> None:
    jobs = [
        make_drawn(tmp_path / name, {**DRAWN, **more})
        for name, more in (("one", {}), ("two", {"suppliers": 4}))
    ]
    for job in jobs:
        preprocess(job)
    without, dealt = (opened(job.output("train")) for job in jobs)
    assert without.sources is None and without.vouched is None
    assert dealt.manifest.source_names == ("supplier-1", "supplier-2", "supplier-3", "supplier-4")
    assert dealt.sources is not None and np.bincount(dealt.sources).tolist() == [15] * 4
    assert np.array_equal(dealt.x, without.x) and np.array_equal(dealt.y, without.y)
    assert np.array_equal(dealt.vouched, row_digests(dealt.x, dealt.y))
    trusted = opened(jobs[1].output("validation"))
    assert trusted.sources is None and trusted.vouched is None


def test_data_with_sources_of_its_own_is_not_dealt(tmp_path: Path) -> None:
    make_job(tmp_path, {**SETTINGS, "data": {**SETTINGS["data"], "suppliers": 4}})  # type: ignore[dict-item]  # a plain dict
    file = tmp_path / "processing" / "input" / "source" / "mine.npz"
    with np.load(file) as arrays:
        np.savez(file, **arrays, source_train=np.arange(100) % 2)
    done = run(tmp_path)
    assert done.returncode == 2 and "the data says itself who delivered each row" in done.stderr
