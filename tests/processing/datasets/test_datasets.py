"""What holds of every data source, by its kind: a new one is put through this without a line here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from boomerang.config import Spec
from boomerang.errors import BadInput, ConfigError
from boomerang.settings import DataConfig
from processing.datasets import SOURCES
from processing.datasets.common.base import Source, check_source
from processing.datasets.common.corpus import Blueprint, Request
from processing.sharing.tasks import alone, joined

every_kind = pytest.mark.parametrize("kind", SOURCES)


def example(kind: str) -> Source:
    """The source with the settings that it names for tests."""
    return SOURCES.create(Spec(kind=kind, **SOURCES[kind].example))


def drawn(kind: str, folder: Path, seed: int = 3) -> Blueprint:
    """A small blueprint of the source, from the files that it writes for tests."""
    path = folder / "files"
    if not path.exists():
        path.mkdir()
        assert SOURCES[kind].write_example(path) or not SOURCES[kind].needs_path
    return example(kind).blueprint(
        Request(path if any(path.iterdir()) else None, train=20, test=10, extra_train=20, seed=seed)
    )


@every_kind
def test_a_kind_says_what_it_is(kind: str) -> None:
    made = SOURCES.create(Spec(kind=kind))
    assert type(made) is SOURCES[kind] and made.kind == kind
    assert made.title and made.words and (type(made).__doc__ or "").strip()


@every_kind
def test_no_setting_is_called_as_what_every_source_has(kind: str) -> None:
    fields = SOURCES[kind].model_fields
    assert not fields.keys() & DataConfig.model_fields.keys()
    text = SOURCES[kind].__doc__ or ""
    for name, field in fields.items():
        assert not field.is_required() and (name == "kind" or name in text), name


@every_kind
def test_what_a_source_gives_is_what_its_blueprint_says(kind: str, tmp_path: Path) -> None:
    blueprint = drawn(kind, tmp_path)
    corpus = blueprint.build(alone)
    assert corpus.name and corpus.classes == blueprint.classes == (SOURCES[kind].classes or blueprint.classes)
    image = SOURCES[kind].image
    assert image is None or (*image, 1)[:3] == blueprint.shape
    assert len(set(corpus.classes)) == len(corpus.classes) >= 2
    for split in (corpus.train, corpus.test):
        assert split.x.dtype == np.uint8 and split.x.shape == (len(split), *blueprint.shape)
        assert split.y.dtype == np.int64 and split.y.shape == (len(split),)
        assert set(np.unique(split.y)) <= set(range(len(corpus.classes)))
    assert set(np.unique(corpus.test.y)) == set(range(len(corpus.classes)))
    assert json.loads(json.dumps(corpus.refused)) == list(corpus.refused)


@every_kind
def test_the_same_request_gives_the_same_bytes_alone_and_in_shares(kind: str, tmp_path: Path) -> None:
    whole, shared = (
        drawn(kind, tmp_path).build(do)
        for do in (alone, lambda task: joined([task.make(*task.share(index, 3)) for index in range(3)]))
    )
    for one, other in ((whole.train, shared.train), (whole.test, shared.test)):
        assert one.x.tobytes() == other.x.tobytes() and one.y.tobytes() == other.y.tobytes()
    assert (whole.name, whole.classes, whole.refused) == (shared.name, shared.classes, shared.refused)


@every_kind
def test_the_names_of_tasks_are_their_own(kind: str, tmp_path: Path) -> None:
    names = [task.name for task in drawn(kind, tmp_path).tasks]
    assert len(set(names)) == len(names) and not any(name.startswith("pictures-") for name in names)


@every_kind
def test_a_source_that_needs_a_path_says_so(kind: str) -> None:
    if not SOURCES[kind].needs_path:
        assert check_source(DataConfig(source=kind)) == SOURCES.create(Spec(kind=kind))
        return
    with pytest.raises(ConfigError, match=f"source '{kind}' needs a path"):
        check_source(DataConfig(source=kind))
    with pytest.raises(BadInput, match="no file or folder"):
        example(kind).blueprint(Request())
    assert check_source(DataConfig(source=kind, path="x")).kind == kind


def test_the_source_of_the_default_config_needs_nothing() -> None:
    assert check_source(DataConfig()).kind == "synthetic"


def test_an_unknown_source_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'cifar'.*\n.*did you mean 'cifar10'"):
        check_source(DataConfig(source="cifar"))


@pytest.mark.parametrize(("key", "near"), [("trian", "train"), ("paht", "path"), ("kind", "known: classes")])
def test_an_unknown_key_names_the_nearest(key: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"unknown key 'data.{key}': .*{near}"):
        check_source(DataConfig.model_validate({"source": "npz", "path": "x", key: 3}))
