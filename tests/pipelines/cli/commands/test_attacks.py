"""`attacks` as a person uses it: the table, one explained, its picture, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.ranges import ROOT
from helpers.report_fixture import build_run
from helpers.scenes import Scene
from PIL import Image

from pipelines.cli.main import main
from processing.attacks import ATTACKS


def test_a_process_lists_every_attack_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from pipelines.cli.main import main; assert main(['attacks']) == 0\n"
        "print(sorted({'tensorflow', 'art', 'sklearn', 'boto3'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n" and max(map(len, done.stdout.splitlines())) <= 160
    for kind in ATTACKS:
        assert f"│ {kind} " in done.stdout
    assert "AML.T0020" in done.stdout and "NISTAML.013" in done.stdout


@pytest.mark.parametrize("kind", ATTACKS)
def test_each_is_explained_with_an_entry_to_copy(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attacks", kind]) == 0
    told = capsys.readouterr()
    assert told.err == "" and told.out.startswith(f"{kind}: {ATTACKS[kind].title}\n")
    assert "MITRE ATLAS 2026.09: AML.T0020 Training Data Poisoning" in told.out
    assert f'\n[[attacks]]\nkind = "{kind}"\n' in told.out
    for setting in ATTACKS[kind].model_fields.keys() - {"kind", "name"}:
        assert f"│ {setting} " in told.out


def test_its_picture_is_written_where_it_is_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new" / "badnets.png"
    assert main(["attacks", "badnets", "--picture", str(file)]) == 0
    assert capsys.readouterr().out.endswith(f"picture: {file}\n")
    with Image.open(file) as picture:
        assert picture.format == "PNG" and picture.height > 8 * 128


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["badnet"], "attack 'badnet': there is none of this name\n  did you mean 'badnets'?"),
        (["--picture", "a.png"], "--picture: it is of one attack"),
        (["badnets", "--picture", "a.jpeg"], "it is a PNG that is written"),
        (["badnets", "--picture", "folder.png"], "it is a folder"),
        (["badnets", "--picture", "run/a.png"], "is a run, and its record names every file of it"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    build_run(tmp_path / "run", Scene(stop="Poison"))
    (tmp_path / "folder.png").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["attacks", *words]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("a.*"))
