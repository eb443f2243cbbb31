"""The script that `completion` prints, as a shell uses it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli.commands.completion import SHELLS
from pipelines.cli.main import main

# What bash does when a person presses the tabulator after these words.
_ASK = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
function=$(complete -p boomerang | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
"$function"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    boomerang = Path(sys.executable).with_name("boomerang")
    done = subprocess.run([boomerang, "completion", "bash"], capture_output=True, text=True, check=True)
    file = tmp_path_factory.mktemp("completion") / "boomerang.bash"
    file.write_text(done.stdout)
    return file


def completed(script: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of these words, in the script's folder."""
    bash = shutil.which("bash")
    assert bash is not None
    command = [bash, "--norc", "--noprofile", "-c", _ASK, "bash", str(script), "boomerang", *words]
    done = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ru"], ["run"]),
        (["de"], ["defenses", "definition", "deploy", "destroy"]),
        (["run", "--on", ""], ["process", "local", "aws"]),
        (["run", "--wa"], ["--wait"]),
        (["run", "--config", "badnets-a"], ["badnets-add"]),
        (["run", "--config", "boomerang"], ["boomerang.bash"]),
        (["verify", "runs", "--key", "boomer"], ["boomerang.bash"]),
        (["report", "boomer"], []),
        (["compare", "boomer"], []),
        (["com"], ["compare", "completion"]),
        (["completion", "z"], ["zsh"]),
    ],
    ids=" ".join,
)
def test_bash_completes(words: list[str], offered: list[str], script: Path) -> None:
    assert sorted(set(completed(script, *words))) == sorted(offered)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script_with_commands_and_entries(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert all(re.search(rf"\b{word}\b", said) for word in ("boomerang", "dashboard", "cifar10"))


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "cmd"]) == 2
    assert "'cmd': known: bash, tcsh, zsh" in capsys.readouterr().err
