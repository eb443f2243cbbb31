"""A run's folder that is not as it should be is refused, by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.report_fixture import build_run
from helpers.report_pages import commit_again, metrics_file
from helpers.scenes import Scene

from boomerang.errors import BadInput, BoomerangError, ConfigError, IntegrityError
from boomerang.safeio import load_json, write_json_atomic
from pipelines.report import write_report


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BoomerangError):
        write_report(tmp_path)


def test_malformed_gallery_is_named(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    write_json_atomic(metrics_file(folder).with_name("gallery.json"), {"groups": [{"id": 1}]})
    commit_again(folder)
    with pytest.raises(ConfigError, match=r"gallery\.json"):
        write_report(folder)
    assert not (folder / "report.html").exists()


def test_a_malformed_lineage_is_named(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    write_json_atomic(folder / "lineage.json", {"run": "run"})
    with pytest.raises(ConfigError, match=r"lineage\.json"):
        write_report(folder)


def test_scores_of_another_training_set_are_refused(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    np.save(metrics_file(folder).parent / "arrays" / "attack_of.npy", np.zeros(5, np.int8))
    commit_again(folder)
    with pytest.raises(BadInput, match="does not fit together"):
        write_report(folder)


def test_gallery_cannot_reach_out_of_its_folder(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    gallery = metrics_file(folder).with_name("gallery.json")
    content = load_json(gallery)
    content["groups"][0]["images"] = "../../../../etc/passwd"
    write_json_atomic(gallery, content)
    commit_again(folder)
    with pytest.raises(BadInput, match="climbs out"):
        write_report(folder)


def test_a_changed_evaluation_is_not_reported(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "run")
    content = load_json(metrics_file(folder))
    write_json_atomic(metrics_file(folder), content | {"reasons": ""} | {"seed": 7})
    with pytest.raises(IntegrityError, match=r"metrics\.json has been changed"):
        write_report(folder)


@pytest.mark.parametrize(
    ("scene", "record"),
    [
        (Scene(hardened_asr=0.5), {"status": "Succeeded", "failed_step": None}),
        (Scene(), {"status": "Failed", "failed_step": "Fail"}),
    ],
)
def test_a_run_that_took_the_other_branch_than_the_verdict_has_no_report(
    tmp_path: Path, scene: Scene, record: dict[str, str | None]
) -> None:
    folder = build_run(tmp_path / "run", scene)
    write_report(folder)
    said = load_json(folder / "execution.json")
    write_json_atomic(folder / "execution.json", said | record)
    with pytest.raises(IntegrityError, match="the gate's verdict on it is"):
        write_report(folder)
