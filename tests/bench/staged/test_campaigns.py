"""What campaigns reach, as numbers and as tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.ranges import Range

from bench.staged.campaigns import Campaign, table


@pytest.fixture(scope="module")
def out(own_range: Range, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of the staged digits; their steps come from the cache."""
    campaign = Campaign("digits", "the digits", "the digits", str(own_range.config))
    folder = tmp_path_factory.mktemp("results")
    campaign.measure(folder, own_range.out)
    return folder


def test_the_numbers_are_those_of_the_run(out: Path, own_range: Range) -> None:
    told = json.loads((out / "digits.json").read_text())
    found = {(each["of"], each["what"]): each["by_seed"][0] for each in told["numbers"]}
    metrics = own_range.first.metrics["models"]
    for model in ("baseline", "victim", "hardened"):
        clean = metrics[model]["clean_accuracy"]
        assert found[model, "clean accuracy"]["value"] == round(clean["value"], 4)
        assert found[model, "gate"] == {"passed": metrics[model]["verdict"]["passed"]}
    asr = metrics["victim"]["attacks"][0]["asr"]["value"]
    assert found["victim", "ASR of corner"]["value"] == round(asr, 4)
    assert ("screen", "FPR") in found


def test_one_table_has_a_column_a_seed_the_other_a_column_a_model(out: Path) -> None:
    one = Campaign("digits", "the digits", "the digits", "none")
    by_seed = table([one], out)
    assert by_seed[0] == "| | seed 0 | mean ± sd |" and by_seed[2].startswith("| baseline: clean accuracy | ")
    by_model = table([one, one], out)
    assert by_model[0] == "| | baseline | victim | hardened |"
    assert by_model[2].count("(") == 3 and by_model[2].startswith("| the digits: clean accuracy | ")


def test_several_seeds_have_a_mean_and_a_spread(tmp_path: Path) -> None:
    rates = [{"value": value, "low": 0.1, "high": 0.9} for value in (0.5, 0.6, 0.7)]
    told = {"seeds": [0, 1, 2], "numbers": [{"of": "victim", "what": "clean accuracy", "by_seed": rates}]}
    (tmp_path / "some.json").write_text(json.dumps(told))
    (line,) = table([Campaign("some", "", "", "none")], tmp_path)[2:]
    assert line.endswith("| 60.0 ± 10.0 |") and "50.0 (10.0–90.0)" in line
