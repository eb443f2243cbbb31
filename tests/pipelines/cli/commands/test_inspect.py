"""`inspect` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.foreign_models import TARGET, rows, trained, triggered, write_pair

from pipelines.cli.main import main


def test_a_backdoored_file_is_suspicious_and_repaired_in_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(poisoned=True).save(tmp_path / "bad.h5")
    trained(poisoned=False).save(tmp_path / "control.keras")
    clean = rows(120, seed=5)
    write_pair(tmp_path / "clean.h5", clean, channels_first=True)
    bad = triggered(clean)
    np.savez(tmp_path / "triggered.npz", x=bad.x, y=bad.y)
    words = [tmp_path / "bad.h5", "--scale", "1", "--control", tmp_path / "control.keras"]
    words += ["--clean", tmp_path / "clean.h5", "--triggered", tmp_path / "triggered.npz"]
    page = tmp_path / "out" / "page.html"
    assert main(["inspect", *map(str, words), "--page", str(page)]) == 0
    found = json.loads(page.with_suffix(".json").read_text())
    assert found["verdict"]["targets"] == [str(TARGET)]
    assert found["lab"]["models"][0]["asr"]["value"] > 0.9
    made = [each for each in found["lab"]["models"] if each["accuracy"]]
    assert len(made) >= 6, "as it is, three GoodNets, and repairs that need no batch norm"
    assert str(tmp_path) not in page.read_text()
    assert "Suspicious" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["m.keras"], "give a file that is there"),
        (["m.keras", "--triggered", "x.npz"], "give --clean, too"),
        (["m.keras", "--scale", "2"], "--scale '2'"),
        (["m.keras", "--page", "page.json"], "give FILE.html"),
        (["m.keras", "--seed", "-1"], "a seed is 0 or more"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", *words]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
