"""The documents say what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from helpers.ranges import ROOT

from pipelines.campaign.entry import bundled


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
