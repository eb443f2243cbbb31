"""The documents say what the code does."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

from helpers.ranges import ROOT

from pipelines.campaign.entry import bundled
from pipelines.catalogue.attack_page import attack_page
from pipelines.catalogue.defense_page import defense_page


def test_the_page_of_the_attacks_is_that_of_the_attacks() -> None:
    assert (ROOT / "docs" / "attacks.md").read_text() == attack_page(), "run python docs/make_attacks.py"


def test_the_page_of_the_defenses_is_that_of_the_defenses() -> None:
    assert (ROOT / "docs" / "defenses.md").read_text() == defense_page(), "run python docs/make_defenses.py"


def test_the_configuration_page_is_that_of_the_models() -> None:
    spec = importlib.util.spec_from_file_location("make_config", ROOT / "docs" / "make_config.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "config.md").read_text() == module.page(), "run python docs/make_config.py"


def test_the_readme_names_entries_and_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    assert set(re.findall(r"--config ([\w-]+)", text)) <= set(bundled())
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert Path(ROOT / link).exists(), link


def test_what_the_documents_tell_to_make_is_not_committed() -> None:
    """A private key and one's own pictures: git does not take them, wherever they are told to go."""
    pages = [ROOT / "README.md", ROOT / "docs" / "signing.md"]
    text = "\n".join(page.read_text() for page in pages)
    made = [
        *re.findall(r"pipelines key ([^-\s]\S*)", text),
        *re.findall(r"resize_images\.py \S+ (\S+)", text),
    ]
    assert len(made) >= 3
    command = ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", *made]
    command += ["signing.pub.pem"]  # which is none
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert ignored == made


def test_the_readme_s_commands_need_no_file_that_is_not_there() -> None:
    text = (ROOT / "README.md").read_text()
    assert not [name for name in re.findall(r"--prices (\S+)", text) if name != "api"]
