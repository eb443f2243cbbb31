"""`defenses` as a person uses it: the table, one explained, and what is refused."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from helpers.ranges import ROOT

from pipelines.catalogue.defenses import places
from pipelines.cli.main import main


def asked(*words: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, and which heavy packages it had loaded in the end."""
    code = (
        f"import sys; from pipelines.cli.main import main; code = main({['defenses', *words]!r})\n"
        "heavy = {'tensorflow', 'keras', 'art', 'sklearn', 'scipy', 'boto3'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr); sys.exit(code)"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_process_lists_every_defense_with_where_it_works_and_loads_nothing_heavy() -> None:
    done = asked()
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert max(map(len, done.stdout.splitlines())) <= 160
    listed = re.findall(r"^│ (\w+) +│ [^│]+│ (\w+) ", done.stdout, re.M)
    assert listed == [(kind, place.name) for kind, place in places().items()]


def test_a_process_explains_one_and_loads_nothing_heavy() -> None:
    done = asked("spectral_signatures")
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert done.stdout.startswith("spectral_signatures: spectral signatures\nwhere: screen\nassumes: ")
    assert "\nsource: Tran et al. 2018, Spectral signatures in backdoor attacks" in done.stdout
    assert re.search(r"│ max_fpr +│ float \(> 0, < 1\) +│ 0\.005 +│ For trusted: the share", done.stdout)
    assert '\n[[screen.detectors]]\nkind = "spectral_signatures"\nrule = "trusted"\n' in done.stdout


def test_a_process_that_is_asked_for_a_mistyped_one_names_the_nearest() -> None:
    command = [sys.executable, "-m", "pipelines", "defenses", "spatial_smothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: defense 'spatial_smothing': there is none of this name\n  did you mean 'spatial_smoothing'?\n"
    )


@pytest.mark.parametrize("kind", places())
def test_each_is_explained_with_an_entry_to_copy(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["defenses", kind]) == 0
    told, place = capsys.readouterr(), places()[kind]
    assert told.err == "" and told.out.startswith(f"{kind}: {place.kinds[kind].title}\n")
    assert f'\n[[{place.section}]]\nkind = "{kind}"\n' in told.out
    settings = place.kinds[kind].model_fields.keys() - {"kind"}
    for setting in settings:
        assert f"│ {setting} " in told.out
    assert ("It has no settings." in told.out) == (not settings)
