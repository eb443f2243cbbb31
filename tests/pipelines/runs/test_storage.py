"""What lies at which address, and how what was only noted can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from boomerang.errors import BadInput
from pipelines.runs.storage import Store, seal

FILE, FOLDER, BYTES = "s3://b/one/a.txt", "s3://b/many", "s3://b/said.json"


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path | bytes]:
    (tmp_path / "many/inner").mkdir(parents=True)
    (tmp_path / "many/inner/b.txt").write_text("b")
    (tmp_path / "a.txt").write_text("a")
    return {FILE: tmp_path / "a.txt", f"{FOLDER}/": tmp_path / "many", BYTES: b"{}"}


@pytest.mark.parametrize("put", [True, False], ids=["stage", "expect"])
def test_what_is_expected_is_known_as_what_is_there(
    tmp_path: Path, sources: dict[str, Path | bytes], put: bool
) -> None:
    store, other = Store(tmp_path / "s3"), Store(tmp_path / "other")
    for uri, source in sources.items():
        (store.stage if put else store.expect)(uri, source)
        other.stage(uri, source)
    assert (tmp_path / "s3").exists() == put
    assert [store.digest(uri) for uri in sources] == [other.digest(uri) for uri in sources]
    assert [store.read(uri) for uri in (FILE, f"{FOLDER}/inner/b.txt", BYTES)] == [b"a", b"b", b"{}"]
    for uri in (FOLDER, f"{FOLDER}/inner", f"{FOLDER}/c.txt", "s3://b/none", f"{FILE}/x"):
        with pytest.raises(BadInput, match="nothing is at"):
            store.read(uri)


def test_an_output_is_read_from_where_it_was_put(tmp_path: Path, sources: dict[str, Path | bytes]) -> None:
    store, made = Store(tmp_path / "s3"), tmp_path / "many"
    store.adopt(FOLDER, made, seal(made))
    (made / "inner/b.txt").unlink()
    assert store.read(f"{FOLDER}/inner/b.txt") == b"b"
