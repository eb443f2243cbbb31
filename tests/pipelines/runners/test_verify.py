"""What was recorded, held against what is on disk."""

from __future__ import annotations

from pathlib import Path

from helpers.toy_runs import Execute

from pipelines.runners.verify import verify


def test_verify_names_each_file_that_is_not_as_it_was_made(run: Execute, tmp_path: Path) -> None:
    execution = run()
    assert verify(tmp_path / "runs") == []

    made = execution.path("Make", "train")
    flip_a_bit(made / "x.txt")
    made.joinpath("foreign.txt").write_text("?")
    execution.path("Measure", "evaluation").joinpath("metrics.json").unlink()
    found = {(p.path.name, p.what.split(":")[0]) for p in verify(execution.run_dir)}
    assert found == {
        ("x.txt", "has been changed"),
        ("foreign.txt", "is foreign"),
        ("metrics.json", "is missing"),
    }
    # The cache holds the same file by hard link, and says so too.
    assert any("damaged cache entry" in p.what for p in verify(tmp_path / "runs"))


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.chmod(0o644)
    file.write_bytes(bytes(data))
