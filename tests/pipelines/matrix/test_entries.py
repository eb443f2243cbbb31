from __future__ import annotations

from pathlib import Path

import pytest

from boomerang.errors import BadInput, ConfigError, UsageError
from pipelines.matrix.entries import Campaign, read_addition, read_campaign

SMALL = """
# What it should show,
# in two lines.
#
#   python -m pipelines campaign small.toml
name = "small"
seeds = [3, 5]
[[attacks]]
name = "corner"
rates = [0.01, 0.1]
recipe = [{ kind = "badnets", target = "0" }, { kind = "mislabel", target = "0", pictures = "p" }]
[[defenses]]
name = "spectral"
detectors = [{ kind = "spectral_signatures" }]
"""


def read(folder: Path, text: str, *additions: str) -> Campaign:
    file = folder / "some.toml"
    file.write_text(text)
    more = []
    for number, addition in enumerate(additions):
        (folder / f"{number}.toml").write_text(addition)
        more.append(read_addition(folder / f"{number}.toml"))
    return read_campaign(file, more)


def test_the_comment_at_its_head_says_what_a_campaign_shows(tmp_path: Path) -> None:
    found = read(tmp_path, SMALL.lstrip())
    assert found.words == "What it should show, in two lines."
    assert read(tmp_path, 'words = "Other."\n' + SMALL).words == "Other."


def test_a_campaign_without_a_name_has_that_of_its_file(tmp_path: Path) -> None:
    assert read(tmp_path, "seeds = [1]").name == "some"


def test_a_rate_reaches_every_attack_that_has_one_and_no_other(tmp_path: Path) -> None:
    (attack,) = read(tmp_path, SMALL).attacks
    assert [each.get("rate") for each in attack.specs(0.1)] == [0.1, None]
    assert "rate" not in attack.specs(None)[0]


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    text = 'base = "own.toml"\n[set]\ndata.path = "rows.npz"\n[[data]]\nname = "d"\nbase = "fashion"\n'
    found = read(tmp_path, text + 'set = { pictures = [{ name = "p", path = "p", label = "a" }] }')
    assert found.base == str(tmp_path / "own.toml")
    assert found.set["data"]["path"] == str(tmp_path / "rows.npz")
    assert found.data[0].base == "fashion"
    assert found.data[0].set["pictures"][0]["path"] == str(tmp_path / "p")


def test_an_addition_adds_entries_and_seeds(tmp_path: Path) -> None:
    more = 'seeds = [5, 7]\n[[defenses]]\nname = "none"\ndetectors = []\n'
    found = read(tmp_path, SMALL, more)
    assert found.seeds == (3, 5, 7)
    assert [each.name for each in found.defenses] == ["spectral", "none"]
    assert [each.name for each in found.attacks] == ["corner"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SMALL + "sed = 1", "unknown key 'defenses.0.sed'"),
        (SMALL.replace("seeds = [3, 5]", "seeds = [3, 3]"), "a seed is there twice"),
        (SMALL.replace("seeds = [3, 5]", "seeds = []"), "'seeds'"),
        (SMALL + SMALL[SMALL.index("[[defenses]]") :], "two entries of defenses have the name 'spectral'"),
        (SMALL.replace('name = "corner"', 'name = "clean"'), "the control without an attack has this name"),
        (SMALL.replace('name = "spectral"', 'name = "random"'), "a control has this name"),
        (SMALL.replace('name = "corner"', 'name = "../corner"'), "attacks.0.name"),
        ("clean = false", "there is no column"),
        ("controls = []", "there is no row"),
        (SMALL + '[[exclude]]\nattack = "corner"\nwhy = ""', "exclude.0.why"),
        (SMALL + '[[exclude]]\nattack = "other"\nwhy = "none"', "there is no attack 'other'"),
        (SMALL.replace('"badnets", target', '"mislabel", pictures = "p", target'), "has a rate"),
    ],
)
def test_what_makes_no_matrix_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value)


def test_an_addition_changes_nothing_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'base' in 0\.toml"):
        read(tmp_path, SMALL, 'base = "fashion"')


def test_a_file_that_is_not_there_or_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        read_campaign(tmp_path / "none.toml")
    with pytest.raises(BadInput, match=r"some\.toml"):
        read(tmp_path, "name = [")
