from __future__ import annotations

from pathlib import Path

import pytest
from helpers.campaigns import write_campaign

from boomerang.errors import ConfigError, UsageError
from pipelines.matrix.cells import Cell, cells_of, chosen, columns_of, rows_of
from pipelines.matrix.entries import Campaign, read_campaign

TWO_SETS = """
base = "digits.toml"
seeds = [0, 4]
controls = ["nothing", "perfect"]
[[data]]
name = "few"
set = { data = { train = 600 } }
[[data]]
name = "many"
[[attacks]]
name = "corner"
rates = [0.02, 0.1]
recipe = [{ kind = "badnets", target = "0" }]
set = { victim = { schedule = "finetune" } }
[[attacks]]
name = "flip"
recipe = [{ kind = "label_flip_random", rate = 0.3 }]
[[defenses]]
name = "spectral"
detectors = [{ kind = "spectral_signatures" }]
[[exclude]]
attack = "flip"
defense = "spectral"
why = "a flip leaves no trace in the features"
"""


def campaign(folder: Path, text: str = TWO_SETS) -> Campaign:
    return read_campaign(write_campaign(folder, text))


def cell(folder: Path, name: str) -> Cell:
    (found,) = chosen(cells_of(campaign(folder)), [name])
    return found


def test_controls_come_first_and_the_clean_control_before_each_set_s_attacks(tmp_path: Path) -> None:
    found = campaign(tmp_path)
    assert [row.id for row in rows_of(found)] == ["nothing", "perfect", "spectral"]
    assert [row.control for row in rows_of(found)] == [True, True, False]
    columns = [column.id for column in columns_of(found)]
    assert columns[:4] == ["few.clean", "few.corner-0.02", "few.corner-0.1", "few.flip"]
    assert columns[4:] == [each.replace("few", "many") for each in columns[:4]]


def test_data_with_rows_of_the_past_is_called_so(tmp_path: Path) -> None:
    past = TWO_SETS.replace('name = "many"', 'name = "many"\nset = { data = { history = 100 } }')
    titles = {column.data: column.data_title for column in columns_of(campaign(tmp_path, past))}
    assert titles == {"few": "few", "many": "many, 100 rows of the past"}


def test_there_is_a_cell_for_each_row_column_and_seed_under_a_name_of_its_own(tmp_path: Path) -> None:
    cells = cells_of(campaign(tmp_path))
    assert len(cells) == len({each.id for each in cells}) == 3 * 8 * 2
    assert [each.id for each in cells[:2]] == ["few.clean.nothing.s0", "few.clean.nothing.s4"]


def test_a_cell_s_entry_is_the_base_with_all_that_differs(tmp_path: Path) -> None:
    config = cell(tmp_path, "few.corner-0.1.spectral.s4").config()
    assert (config.seed, config.data.train, config.victim.schedule) == (4, 600, "finetune")
    assert [each.model_dump()["rate"] for each in config.attacks] == [0.1]
    assert [each.kind for each in config.screen.detectors] == ["spectral_signatures"]
    assert config.train.epochs == 6, "of the base"
    assert cell(tmp_path, "many.flip.nothing.s0").config().attacks[0].model_dump()["rate"] == 0.3


def test_controls_defend_as_they_say(tmp_path: Path) -> None:
    nothing = cell(tmp_path, "few.corner-0.1.nothing.s0").config()
    perfect = cell(tmp_path, "few.corner-0.1.perfect.s0").config()
    assert (nothing.harden, nothing.screen.control, nothing.screen.detectors) == ((), "none", ())
    assert (perfect.screen.control, [each.kind for each in perfect.harden]) == ("perfect", ["retrain"])


def test_nobody_attacks_in_the_clean_column(tmp_path: Path) -> None:
    assert cell(tmp_path, "many.clean.spectral.s0").config().attacks == ()


def test_what_is_excluded_is_said_with_its_reason(tmp_path: Path) -> None:
    reasons = {each.id: each.excluded for each in cells_of(campaign(tmp_path)) if each.excluded}
    assert set(reasons) == {f"{data}.flip.spectral.s{seed}" for data in ("few", "many") for seed in (0, 4)}
    assert set(reasons.values()) == {"a flip leaves no trace in the features"}


@pytest.mark.parametrize(
    ("patterns", "count"),
    [
        ([], 48),
        (["perfect"], 16),
        (["few.corner-0.1"], 6),
        (["corner"], 24),
        (["few"], 24),
        (["s4"], 24),
        (["few.*.s0"], 12),
        (["perfect", "few.clean.nothing.s0"], 17),
    ],
)
def test_cells_are_chosen_by_row_column_attack_data_seed_or_id(
    tmp_path: Path, patterns: list[str], count: int
) -> None:
    assert len(chosen(cells_of(campaign(tmp_path)), patterns)) == count


def test_a_pattern_that_names_no_cell_is_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)--only perfekt.*names no cell.*perfect"):
        chosen(cells_of(campaign(tmp_path)), ["nothing", "perfekt"])


def test_what_a_cell_s_entry_refuses_is_refused_when_it_is_asked(tmp_path: Path) -> None:
    text = TWO_SETS.replace('target = "0"', 'target = "ten"')
    cells = cells_of(campaign(tmp_path, text))
    with pytest.raises(ConfigError, match="ten"):
        next(each for each in cells if each.column.attack == "corner").config()
