"""The frozen probes: which images they are, what their folder says, what the numbers on them are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.machines import contents
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from boomerang.config import Spec
from boomerang.errors import IntegrityError
from boomerang.formats.probes import LIMIT, ProbeSet, ProbeSets, digest_of_sets, probe_sets, recipe_of
from boomerang.manifest import Dataset, Manifest, opened, verify_folder, write_dataset
from boomerang.metrics import AttackNumbers
from boomerang.safeio import safe_join
from boomerang.scoring import rate
from processing.attacks.common.base import Attack
from processing.attacks.common.recipe import create_recipe
from processing.attacks.common.trigger import Trigger
from processing.evaluation.probes import Probes, choose, freeze_probes, seed_of
from processing.evaluation.trials import trials

CLASSES = ("airplane", "bird", "cat")
RECIPE: list[dict[str, Any]] = [
    {"kind": "badnets", "name": "corner", "target": "bird", "rate": 0.1, "patch_px": 2},
    {"kind": "badnets", "name": "planes", "source": "airplane", "target": "bird", "rate": 0.1, "patch_px": 2},
    {"kind": "mislabel", "pictures": "jets", "target": "bird"},
    {"kind": "label_flip_random", "rate": 0.1},
]


def frozen(folder: Path, recipe: list[dict[str, Any]] = RECIPE, seed: int = 0) -> tuple[Probes, Any]:
    """Freeze the probes of a recipe on 1,200 test images and three pictures."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 255, (1200, 8, 8, 3), np.uint8)
    test = write_dataset(folder / "test", x, np.arange(1200) % 3, name="noise", classes=CLASSES)
    shown = rng.integers(0, 255, (3, 8, 8, 3), np.uint8)
    jets = write_dataset(folder / "jets", shown, np.zeros(3, np.int64), name="jets", classes=CLASSES)
    triggers = tuple(
        Trigger(attack, {}) for attack in create_recipe([Spec.model_validate(s) for s in recipe])
    )
    digests = {"test": test.manifest.digest, "pictures jets": jets.manifest.digest}
    case: Any = SimpleNamespace(triggers=triggers, test=test, photos={"jets": jets}, digests=digests)
    return freeze_probes(folder / "probes", case, trials(triggers, test, case.photos)), case


# --- the choice -----------------------------------------------------------------------------------


@given(st.integers(0, 3000), st.integers(0, 2**48 - 1))
def test_a_choice_is_of_different_images_in_order_and_at_most_the_limit(count: int, seed: int) -> None:
    rows = choose(count, seed)
    assert len(rows) == min(count, LIMIT)
    assert np.all(np.diff(rows) > 0) and np.all((rows >= 0) & (rows < count))
    assert np.array_equal(rows, choose(count, seed))


def test_every_image_is_as_likely_as_any_other() -> None:
    counts = sum(np.bincount(choose(1024, seed), minlength=1024) for seed in range(400))
    # Each of 1,024 is drawn in a quarter of 400 choices, 100 times with a standard deviation of 8.7.
    assert counts.min() > 60 and counts.max() < 140 and counts.sum() == 400 * LIMIT


def test_the_seed_is_of_the_parents_and_of_nothing_else() -> None:
    assert seed_of({"test": "a", "pictures p": "b"}) == seed_of({"pictures p": "b", "test": "a"})
    assert len({seed_of({"test": "a"}), seed_of({"test": "b"}), seed_of({"other": "a"})}) == 3
    assert seed_of({"test": "a"}) < 2**48


# --- the folders ----------------------------------------------------------------------------------


def test_every_attack_that_aims_at_a_class_is_frozen_as_a_dataset(tmp_path: Path) -> None:
    probes, _ = frozen(tmp_path)

    assert {name: (s.records, s.of) for name, s in probes.sets.sets.items()} == {
        "corner": (256, 800),
        "planes": (256, 400),
        "mislabel": (3, 3),
    }
    assert {path.name for path in (tmp_path / "probes").iterdir()} == set(probes.sets.sets)
    for name, known in probes.sets.sets.items():
        assert verify_folder(tmp_path / "probes" / name).digest == known.digest


def test_the_images_carry_the_trigger_and_the_recipe_says_where_they_are_from(tmp_path: Path) -> None:
    _, case = frozen(tmp_path)
    data = opened(tmp_path / "probes" / "planes")
    recipe = recipe_of(data.manifest)

    rows = list(recipe.rows)
    assert (recipe.outcome, recipe.target, recipe.sources, recipe.of) == ("backdoor", "bird", ("test",), 400)
    assert data.manifest.parents == {"test": case.test.manifest.digest}
    assert np.array_equal(data.y, case.test.y[rows]) and set(data.y) == {0}
    assert np.array_equal(data.x, case.triggers[1].stamp(np.asarray(case.test.x[rows])))
    assert (data.x[:, 6:, 6:] == 255).all()


def test_where_each_image_has_a_target_of_its_own_the_recipe_names_them(tmp_path: Path) -> None:
    _, case = frozen(tmp_path, [{"kind": "badnets", "mapping": "all-to-all", "rate": 0.1, "patch_px": 2}])
    data = opened(tmp_path / "probes" / "badnets")
    recipe = recipe_of(data.manifest)
    assert recipe.target == "" and recipe.of == len(case.test.y) and len(recipe.targets) == LIMIT
    assert [CLASSES.index(name) for name in recipe.targets] == ((data.y + 1) % 3).tolist()
    lost = {**data.manifest.recipe, "targets": recipe.targets[1:]}
    with pytest.raises(IntegrityError, match="do not fit their recipe"):
        recipe_of(data.manifest.model_copy(update={"recipe": lost}))


def test_pictures_are_frozen_themselves(tmp_path: Path) -> None:
    _, case = frozen(tmp_path)
    data = opened(tmp_path / "probes" / "mislabel")

    recipe = recipe_of(data.manifest)
    assert (recipe.outcome, recipe.rows, recipe.sources) == ("targeted", (0, 1, 2), ("pictures jets",))
    assert data.manifest.parents == {"pictures jets": case.photos["jets"].manifest.digest}
    assert np.array_equal(data.x, case.photos["jets"].x)


def test_the_same_test_set_and_recipe_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        frozen(tmp_path / name)
    other, _ = frozen(tmp_path / "c", seed=1)
    assert contents(tmp_path / "a" / "probes") == contents(tmp_path / "b" / "probes")
    assert other.sets.digest != frozen(tmp_path / "d")[0].sets.digest


def test_attacks_on_the_same_images_have_the_same_probes(tmp_path: Path) -> None:
    two = [RECIPE[0], {**RECIPE[0], "name": "larger", "patch_px": 4}]
    probes, _ = frozen(tmp_path, two)
    assert np.array_equal(probes.chosen["corner"], probes.chosen["larger"])


def test_an_attack_that_meets_no_image_has_an_empty_set(tmp_path: Path) -> None:
    x, y = np.zeros((2, 8, 8, 3), np.uint8), np.array([1, 1])
    test = write_dataset(tmp_path / "test", x, y, name="n", classes=CLASSES)
    (attack,) = create_recipe([Spec.model_validate(RECIPE[0])])
    triggers = (Trigger(attack, {}),)
    case: Any = SimpleNamespace(triggers=triggers, test=test, digests={"test": "a"})
    probes = freeze_probes(tmp_path / "probes", case, trials(triggers, test, {}))
    assert probes.sets.sets["corner"].records == 0 and opened(tmp_path / "probes/corner").x.size == 0


def test_without_an_attack_nothing_is_written(tmp_path: Path) -> None:
    probes, _ = frozen(tmp_path, [])
    assert (probes.sets, probes.chosen) == (ProbeSets(), {}) and not (tmp_path / "probes").exists()


# --- what is written down of them -----------------------------------------------------------------


@given(st.from_regex(Attack.model_fields["name"].metadata[0].pattern, fullmatch=True).filter(bool))
def test_whatever_an_attack_is_called_names_a_folder(name: str) -> None:
    known = ProbeSet(digest="0" * 64, records=1, of=1)
    assert list(probe_sets({name: known}).sets) == [name]
    assert safe_join(Path("/probes"), name).parent == Path("/probes")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "a b", "a\n", "ä", "x" * 81])
def test_what_could_lead_out_of_the_folder_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        probe_sets({name: ProbeSet(digest="0" * 64, records=1, of=1)})


def test_the_one_digest_is_of_all_sets() -> None:
    sets = {name: ProbeSet(digest=f"{k}" * 64, records=k, of=9) for k, name in enumerate(("a", "b"))}
    both = probe_sets(sets)
    assert both.digest == digest_of_sets({"a": "0" * 64, "b": "1" * 64})
    assert ProbeSets.model_validate(both.model_dump(mode="json")) == both
    assert len({both.digest, probe_sets({"a": sets["a"]}).digest, ProbeSets().digest}) == 3
    with pytest.raises(ValidationError, match="not that of their sets"):
        ProbeSets(digest=both.digest, sets={"a": sets["a"]})


def test_the_rate_to_compare_with_is_that_on_the_probes() -> None:
    whole = AttackNumbers(name="corner", kind="badnets", outcome="backdoor", asr=rate(700, 800))
    part = whole.model_copy(update={"probe_asr": rate(200, 256)})
    assert (whole.registered_asr, part.registered_asr) == (rate(700, 800), rate(200, 256))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"target": "dog"}, "no class 'dog'"),
        ({"rows": [1, 2]}, "not 2 images"),
        ({"target": None}, "target"),
        ({"more": 1}, "more"),
        ({"name": "../x"}, "name"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    frozen(tmp_path)
    data: Dataset = opened(tmp_path / "probes" / "mislabel")
    manifest: Manifest = data.manifest.model_copy(update={"recipe": {**data.manifest.recipe, **change}})
    with pytest.raises(IntegrityError, match=why):
        recipe_of(manifest)
