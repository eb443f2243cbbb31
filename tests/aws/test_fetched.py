"""Data in S3: fetched once, by what the bucket says of it; everything that may be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from aws.fetched import LIMIT_ENV, fetched
from boomerang.errors import AwsError, BadInput, ConfigError
from pipelines.cli.main import main
from processing.datasets.common.examples import write_npz


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        service = boto3.client("s3")
        service.create_bucket(Bucket="mine")
        write_npz(tmp_path / "own.npz", (8, 8, 3), 3)
        service.upload_file(str(tmp_path / "own.npz"), "mine", "sets/own.npz")
        yield service


def test_an_object_is_fetched_once_and_anew_when_it_has_changed(s3: Any, tmp_path: Path) -> None:
    first = fetched("s3://mine/sets/own.npz")
    assert first.name == "own.npz" and first.is_relative_to(tmp_path / "runs" / "cache")
    assert first.read_bytes() == (tmp_path / "own.npz").read_bytes()
    before = first.stat().st_mtime_ns
    assert fetched("s3://mine/sets/own.npz") == first and first.stat().st_mtime_ns == before
    s3.put_object(Bucket="mine", Key="sets/own.npz", Body=b"another")
    assert fetched("s3://mine/sets/own.npz") != first


def test_a_prefix_is_a_folder_of_its_own_objects_alone(s3: Any) -> None:
    s3.put_object(Bucket="mine", Key="sets/more/a.txt", Body=b"a")
    s3.put_object(Bucket="mine", Key="sets/", Body=b"")
    s3.put_object(Bucket="mine", Key="sets-of-others/b.txt", Body=b"b")
    folder = fetched("s3://mine/sets/")
    names = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())
    assert folder.name == "sets" and names == ["more/a.txt", "own.npz"]


def test_data_says_what_it_is_and_plan_takes_it(
    s3: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "s3://mine/sets"]) == 0
    assert "recognized: an .npz file" in capsys.readouterr().out
    entry = """
name = "far"
[data]
path = "s3://mine/sets/own.npz"
validation = 12
[canaries]
candidates_per_class = 1
[train]
batch = 4
[[attacks]]
kind = "badnets"
target = 1
rate = 0.2
"""
    (tmp_path / "far.toml").write_text(entry)
    assert main(["plan", "--config", "far.toml"]) == 0
    assert main(["plan", "--config", "far.toml", "--set", "data.path=s3://mine/sets"]) == 0


@pytest.mark.parametrize(
    ("address", "kind", "said"),
    [
        ("s3://", ConfigError, "it is no s3://bucket/prefix"),
        ("s3://mine/../x", ConfigError, "it is no s3://bucket/prefix"),
        ("s3://mine/nothing", ConfigError, "there is no object"),
        ("s3://theirs/sets", AwsError, "NoSuchBucket"),
        ("s3://mine/bad", BadInput, "its key can be no file"),
    ],
)
def test_what_cannot_be_fetched_is_said(s3: Any, address: str, kind: type[Exception], said: str) -> None:
    s3.put_object(Bucket="mine", Key="bad/../../out.txt", Body=b"out")
    with pytest.raises(kind, match=said.replace("(", r"\(")):
        fetched(address)


def test_more_than_the_limit_is_refused_with_the_limit_that_would_do(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_ENV, "0.000001")
    with pytest.raises(ConfigError, match=f"raise the limit: {LIMIT_ENV}=1"):
        fetched("s3://mine/sets")
    monkeypatch.setenv(LIMIT_ENV, "much")
    with pytest.raises(ConfigError, match="give gigabytes"):
        fetched("s3://mine/sets")
