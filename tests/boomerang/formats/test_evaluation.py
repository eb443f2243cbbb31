"""The folder of Evaluate: what is written is read, and one that was changed or does not fit is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.drawn_evaluation import DrawnEvaluation
from helpers.scenes import Scene

from boomerang.errors import BadInput, IntegrityError
from boomerang.formats.evaluation import open_evaluation, read_gallery, read_metrics
from boomerang.manifest import commit, read_manifest
from boomerang.safeio import write_json_atomic


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    DrawnEvaluation(tmp_path / "evaluation", Scene()).write()
    return tmp_path / "evaluation"


def test_what_is_written_is_read_back(folder: Path) -> None:
    found = open_evaluation(folder)
    assert found.metrics == read_metrics(folder) and found.groups == read_gallery(folder).groups
    assert found.scores.shape == found.flagged.shape == (len(found.detectors), len(found.attack_of))
    assert found.detectors[0].threshold is not None and found.attacks and found.versions
    assert found.repairs["victim"] == () and found.repairs["hardened"][1].notes["channels_cut"] == 20
    for group in found.groups:
        assert len(found.images(group.images)) == len(group.items) > 0
    assert any(group.before for group in found.groups)


def test_an_audit_of_before_it_said_how_visible_an_attack_is_is_read(folder: Path) -> None:
    """As runs have left it: the taxonomies as one text each, and no measure but the largest change."""
    entry = {"name": "cyan-square", "title": "patch", "deed": "Put.", "median_largest_change": 231.0}
    entry |= {"references": {"OWASP ML": "ML02:2023 Data Poisoning Attack"}, "images_unchanged": 0}
    write_json_atomic(folder / "audit.json", {"attacks": [entry]})
    commit(folder, read_manifest(folder))
    (found,) = open_evaluation(folder).attacks
    assert (found.deed, found.median_largest_change) == ("Put.", 231.0)
    assert found.filed_under == () and found.median_psnr_db is None and not found.images_made_from_rows


@pytest.mark.parametrize("name", ["metrics.json", "gallery.json", "audit.json", "arrays/scores.npy"])
def test_a_changed_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-2] + b"0\n")
    with pytest.raises(IntegrityError, match=f"{name} has been changed"):
        open_evaluation(folder)


def fewer_rows(folder: Path) -> None:
    np.save(folder / "arrays/flagged.npy", np.load(folder / "arrays/flagged.npy")[:, 1:])


def no_detectors(folder: Path) -> None:
    (folder / "detectors.json").write_text("[]")


@pytest.mark.parametrize(("change", "what"), [(fewer_rows, "flagged is"), (no_detectors, "scores is")])
def test_files_that_do_not_fit_together_are_refused(
    folder: Path, change: Callable[[Path], None], what: str
) -> None:
    """Committed as they are, so that nothing else speaks against them."""
    change(folder)
    commit(folder, read_manifest(folder))
    with pytest.raises(BadInput, match=what):
        open_evaluation(folder)


def test_an_image_outside_the_folder_is_not_opened(folder: Path) -> None:
    with pytest.raises(BadInput, match="stays inside the folder"):
        open_evaluation(folder).images("../../else.npy")
