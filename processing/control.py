"""Control: the rows that a filter takes out which knows the truth, to tell a defense from luck.

Reads `config`, `train` and `secret` (Poison's, with the truth); writes the folder `screen` as Screen does,
see `boomerang.formats.screen`, so that whoever reads it does the same as after a defense.

It is no defense, and stands apart from those: nothing in `processing.defenses` or `processing.screen` is
ever given the truth. The definition says `processing.control` where a control runs, and the gate lets no
model pass that it filtered for. The same inputs give the same bytes.
"""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np

from boomerang.contract import Job, run_step
from boomerang.errors import IntegrityError
from boomerang.formats.notices import Notice
from boomerang.formats.screen import PERFECT_FILTER, RANDOM_FILTER, DetectorEntry, Screened, write_screen
from boomerang.formats.truth import TRUTH, load_truth
from boomerang.manifest import Bools, Dataset, Manifest, opened, read_manifest, verify_folder
from boomerang.settings import ControlSettings

_SECRET = "secret"
_KINDS = {"random": RANDOM_FILTER, "perfect": PERFECT_FILTER}
_TITLES = {"random": "random filter (control)", "perfect": "perfect filter (control)"}
_NO_DEFENSE = "a control, which is told which rows are poisoned: no defense"
# Poison draws rows by the same seed; a draw of ours from the same numbers would be no luck.
_OWN_DRAW = 7


def taken_out(poisoned: Bools, control: Literal["random", "perfect"], seed: int) -> Bools:
    """Return bool[N], the rows that a control takes out.

    Parameters
    ----------
    poisoned : bool[N]
        The truth.
    control : {'random', 'perfect'}
        As many rows as are poisoned, drawn from all; or the poisoned ones.
    seed : int
        By which `random` draws.
    """
    if control == "perfect":
        return poisoned.copy()
    rng = np.random.default_rng([seed, _OWN_DRAW])
    taken = np.zeros(len(poisoned), bool)
    taken[rng.choice(len(poisoned), int(np.count_nonzero(poisoned)), replace=False)] = True
    return taken


def run(job: Job) -> None:
    """Filter the training set of a job."""
    settings = job.settings(ControlSettings)
    train = opened(job.input("train"))
    secret = verify_folder(job.input(_SECRET))
    taken = taken_out(_poisoned(job, train), settings.control, settings.seed)
    entry = _entry(settings, int(np.count_nonzero(taken)))
    notice = Notice(
        kind="warning", what=entry.title, why=f"{_NO_DEFENSE}, and no model of it passes the gate"
    )
    print(f"{entry.name}: {entry.flagged} of {len(taken)} rows taken out", flush=True)
    print(f"warning: {notice.what}: {notice.why}", file=sys.stderr, flush=True)
    screened = Screened(~taken, taken[None].astype(np.float64), taken[None], (entry,), (notice,))
    manifest = Manifest(
        name=train.manifest.name,
        classes=train.classes,
        parents={"train": train.manifest.digest, _SECRET: secret.digest},
        recipe=settings.model_dump(mode="json"),
        seed=settings.seed,
    )
    write_screen(job.output("screen"), screened, manifest)


def _poisoned(job: Job, train: Dataset) -> Bools:
    """Return bool[N], the rows of the training set that are poisoned.

    Raises
    ------
    IntegrityError
        If the truth is not, to the byte, what was made, or of another training set.
    """
    folder = job.input(_SECRET) / TRUTH
    truth, told = load_truth(folder), read_manifest(folder).parents.get("poisoned")
    if told != train.manifest.digest or len(truth.attack_of) != len(train):
        why = f"it is of {told}, the training set is {train.manifest.digest}"
        raise IntegrityError("the secret is of another training set", why, "give both outputs of one Poison")
    return truth.attack_of > 0


def _entry(settings: ControlSettings, taken: int) -> DetectorEntry:
    kind = _KINDS[settings.control]
    return DetectorEntry(
        name=kind,
        kind=kind,
        title=_TITLES[settings.control],
        source="this project: a control",
        settings=settings.model_dump(mode="json"),
        flagged=taken,
        threshold=None,
        notes={"what it is": _NO_DEFENSE, "scores": "1 for a row that it takes out, 0 for one that it keeps"},
    )


if __name__ == "__main__":
    run_step(run)
