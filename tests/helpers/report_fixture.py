"""Builds a small run's folder as the runner and Evaluate leave it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.config import validate
from boomerang.formats.notices import Notice, write_notices
from boomerang.manifest import Manifest, commit, committing, write_dataset
from boomerang.safeio import write_json_atomic
from helpers.drawn_evaluation import DrawnEvaluation
from helpers.scenes import Scene
from pipelines.campaign.sections import Config
from pipelines.runs.lineage import LINEAGE, Association, Entity, Lineage
from pipelines.runs.records import CONFIG, DEFINITION, Execution, OutputRecord, StepRecord
from pipelines.runs.storage import digest_files, entries, file_entry

STEPS = ("Preprocess", "TrainBaseline", "Poison", "TrainVictim", "Screen", "Harden", "Evaluate")
SECONDS = (3.1, 41.7, 1.2, 19.4, 8.8, 38.2, 6.5)
_USUAL = Scene()


def build_run(folder: Path, scene: Scene = _USUAL) -> Path:
    """Write a run's folder and return it."""
    folder.mkdir(parents=True)
    write_json_atomic(
        folder / "definition.json", {"Version": "2020-12-01", "Steps": [{"Name": n} for n in STEPS]}
    )
    write_json_atomic(folder / "config.json", _config(scene).model_dump(mode="json"))
    done = STEPS[: STEPS.index(scene.stop)] if scene.stop else STEPS
    passed = True
    if "Evaluate" in done:
        passed = DrawnEvaluation(folder / "Evaluate" / "evaluation", scene).write()
    if scene.notices:
        _notices(folder)
    _execution(folder, scene, done, passed).save()
    if not scene.stop:
        _lineage(folder, scene)
    return folder


def _notices(folder: Path) -> None:
    """Write what Preprocess and Poison leave where something was left out or is to be known."""
    why = "it is no JPEG, PNG or WebP"
    refused = tuple({"name": f"dog/note-{k}.txt", "reason": why} for k in range(7))
    refused += ({"name": "val", "reason": "it lies beside train and test, and these two are read"},)
    x, y = np.zeros((1, 2, 2, 3), np.uint8), np.zeros(1, np.int64)
    write_dataset(folder / "Preprocess" / "data", x, y, name="pets", classes=("dog",), refused=refused)
    hardly = "the trigger changes no value of most images by more than 1 of 255"
    with committing(folder / "Poison" / "data") as out:
        write_notices(out, [Notice(kind="warning", what="attack 'cyan-square'", why=hardly)])
        commit(out, Manifest(name="pets", kind="secret"))


# Input, or step and output, with what it is called, and the steps that read it.
_THINGS: dict[str, tuple[str, str, str]] = {
    "pictures": ("pictures", "DataSet", "Preprocess"),
    "recipe": ("poison recipe", "Settings", "Poison"),
    "Preprocess-train": ("clean set", "DataSet", "TrainBaseline Poison"),
    "TrainBaseline-model": ("clean model", "Model", "TrainVictim Evaluate"),
    "Poison-train": ("poisoned set", "DataSet", "TrainVictim Screen Harden Evaluate"),
    "TrainVictim-model": ("poisoned model", "Model", "Screen Evaluate"),
    "Screen-screen": ("screen", "Screen", "Harden Evaluate"),
    "Harden-model": ("hardened model", "Model", "Evaluate Register"),
    "Evaluate-evaluation": ("evaluation", "Evaluation", "Register"),
}


def _lineage(folder: Path, scene: Scene) -> None:
    """Write `lineage.json` as a signed run does."""
    run = folder.name
    artifacts, associations = [], []
    for key, (title, kind, readers) in {**_THINGS, "package": (scene.title, "ModelPackage", "")}.items():
        maker = "Register" if key == "package" else key.partition("-")[0] if "-" in key else ""
        digest = hashlib.sha256(key.encode()).hexdigest()
        artifacts.append(
            Entity(
                name=f"{key}-{run}",
                entity="Artifact",
                type=kind,
                uri=f"s3://local/{key}",
                content=digest,
                signed=bool(maker) and scene.signed,
                properties={"Title": title},
            )
        )
        ways = [(key, reader, "ContributedTo") for reader in readers.split()]
        ways += [(maker, key, "Produced")] if maker else []
        associations += [
            Association(source=f"{a}-{run}", destination=f"{b}-{run}", type=kind) for a, b, kind in ways
        ]
    actions = [
        Entity(name=f"{step}-{run}", entity="Action", type=step, uri=f"s3://local/{step}")
        for step in (*STEPS, "Register")
    ]
    entities = (*actions, *artifacts)
    lineage = Lineage(run=run, step="Lineage", entities=entities, associations=tuple(associations))
    write_json_atomic(folder / LINEAGE, lineage.model_dump(mode="json"))


def _config(scene: Scene) -> Config:
    target = scene.classes[2]
    attacks = [
        {
            "kind": "mislabel",
            "name": "boomerangs",
            "pictures": "rutan-boomerang",
            "target": target,
            "repeat": 10,
        },
        {
            "kind": "badnets",
            "name": "cyan-square",
            "image": "cyan-square",
            "source": scene.classes[0],
            "target": target,
            "rate": 0.01,
            "of": "train",
            "mode": "replace",
            "patch_px": 4,
        },
    ]
    return validate(
        Config,
        {
            "name": "default",
            "pictures": [
                {"name": "rutan-boomerang", "path": "/home/ann/x/boomerangs", "label": scene.classes[0]}
            ],
            "attacks": attacks if scene.attacked else [],
            "harden": [{"kind": "retrain"}] if scene.hardened else [],
            **scene.config,
        },
        where="fixture",
    )


def _execution(folder: Path, scene: Scene, done: Sequence[str], passed: bool) -> Execution:
    steps = [_succeeded(folder, name, SECONDS[STEPS.index(name)], name in scene.cached) for name in done]
    steps += [_failed(folder, scene.stop)] if scene.stop else _judged(passed)
    stopped = scene.stop or (None if passed else "Fail")
    return Execution(
        run_id=folder.name,
        run_dir=folder,
        status="Failed" if stopped else "Succeeded",
        failed_step=stopped,
        failure=steps[-1].detail if stopped and steps[-1].status == "Failed" else "",
        steps=tuple(steps),
        files={name: file_entry(folder / name).model_dump() for name in (DEFINITION, CONFIG)},
        seconds=sum(step.seconds for step in steps),
    )


def _judged(passed: bool) -> list[StepRecord]:
    """Return the gate and both its branches, as a runner records them."""
    said = "all conditions hold" if passed else "gate.asr_upper is 0.42, not ≤ 0.1"
    gate = StepRecord("Gate", "Condition", "Succeeded", detail=said, held=passed)
    if passed:
        fail = StepRecord("Fail", "Fail", "Skipped", detail="RegisterRejected was skipped")
        return [gate, _register("Register"), _other_way("RegisterRejected"), fail]
    reason = "The gate rejected the candidate: its numbers"
    fail = StepRecord("Fail", "Fail", "Failed", detail=reason)
    return [gate, _other_way("Register"), _register("RegisterRejected"), fail]


def _register(name: str) -> StepRecord:
    return StepRecord(name, "RegisterModel", "Succeeded", seconds=0.1, detail="boomerang/1")


def _other_way(name: str) -> StepRecord:
    return StepRecord(name, "RegisterModel", "Skipped", detail="Gate went the other way")


def _succeeded(folder: Path, name: str, seconds: float, cached: bool) -> StepRecord:
    """Return the record of a step; what it left is recorded as it is, where it lies there."""
    output = "evaluation" if name == "Evaluate" else "model" if name.startswith("Train") else "data"
    files = entries(folder / name / output) if (folder / name / output).exists() else {}
    digest = digest_files(files) if files else (name.lower().encode().hex() * 9)[:64]
    listed = {file: entry.model_dump() for file, entry in files.items()}
    record = OutputRecord(f"s3://local/{name}/{output}", f"{name}/{output}", digest, listed)
    times: dict[str, Any] = {"seconds": seconds}
    if cached:
        times = {
            "seconds": 0.02,
            "cached": True,
            "cached_seconds": seconds,
            "cached_from": "default-20261120-0900",
        }
    return StepRecord(name, "Processing", "Succeeded", outputs={output: record}, **times)


def _failed(folder: Path, name: str) -> StepRecord:
    log = folder / "logs" / f"{name}.log"
    log.parent.mkdir()
    lines = [f"epoch {k}: loss {3 / (k + 1):.3f}" for k in range(60)]
    lines.append(f'  File "{Path.home()}/project/training/train.py", line 88, in fit')
    lines.append("MemoryError: cannot allocate 12.4 GiB for <b>features</b>")
    log.write_text("\n".join(lines), encoding="utf-8")
    why = f"exit code 1: MemoryError: cannot allocate 12.4 GiB, see {log}"
    return StepRecord(
        name, "Training", "Failed", seconds=4.2, log=f"logs/{name}.log", detail=why, exit_code=1
    )
