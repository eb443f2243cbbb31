"""Freezing probes: of the images that an attack is measured on, those that a canary asks about later.

At most `LIMIT` an attack, drawn evenly at random without replacement, so the rate on them is an unbiased
estimate of the rate on all. The seed comes from the datasets that the images are from (`seed_of`) and from
nothing else: the same test set and recipe give the same probes, and attacks that are measured on the same
images are frozen on the same ones, whatever the campaign's own seed.

The rate on the probes is not quite that on all images. Where they are fewer, `metrics.json` holds both
for every model (`asr`, `probe_asr`), each with its interval; a later canary is compared with the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from boomerang.digest import digest_json
from boomerang.formats.probes import LIMIT, ProbeRecipe, ProbeSet, ProbeSets, probe_sets
from boomerang.manifest import Rows, write_dataset
from processing.attacks.common.trial import Trial
from processing.evaluation.case import Case


@dataclass(frozen=True)
class Probes:
    """The frozen probes of all attacks that aim at a class.

    Attributes
    ----------
    sets : ProbeSets
    chosen : mapping of str to int64[M]
        Which images of an attack's trial they are, in ascending order.
    """

    sets: ProbeSets
    chosen: Mapping[str, Rows]


def seed_of(parents: Mapping[str, str]) -> int:
    """Return the seed of the choice: 48 bits of the sha256 of the parents' digests by name."""
    return int(digest_json(dict(parents))[:12], 16)


def choose(count: int, seed: int, limit: int = LIMIT) -> Rows:
    """Return int64[min(count, limit)], different numbers in [0, count), in ascending order."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def freeze_probes(folder: Path, case: Case, tests: tuple[Trial, ...]) -> Probes:
    """Write a dataset for each attack that aims at a class, below a folder that is made for them."""
    sets, chosen = {}, {}
    for trial in tests:
        if trial.aimed:
            chosen[trial.name] = choose(len(trial.y), seed_of(_parents(case, trial)))
            sets[trial.name] = _write(folder / trial.name, case, trial, chosen[trial.name])
    return Probes(probe_sets(sets), chosen)


def _parents(case: Case, trial: Trial) -> dict[str, str]:
    """Return the digests of the datasets that an attack is measured on, in the order of its images."""
    return {source: case.digests[source] for source in trial.sources}


def _write(folder: Path, case: Case, trial: Trial, chosen: Rows) -> ProbeSet:
    parents, classes = _parents(case, trial), case.test.classes
    recipe = ProbeRecipe(
        name=trial.name,
        kind=trial.kind,
        outcome=trial.outcome,
        target="" if trial.target is None else classes[trial.target],
        targets=() if trial.targets is None else tuple(classes[k] for k in trial.targets[chosen]),
        sources=trial.sources,
        rows=tuple(map(int, trial.rows[chosen])),
        of=len(trial.y),
        limit=LIMIT,
    )
    data = write_dataset(
        folder,
        trial.x[chosen],
        trial.y[chosen],
        name=case.test.manifest.name,
        classes=classes,
        parents=parents,
        recipe=recipe.model_dump(mode="json"),
        seed=seed_of(parents),
    )
    return ProbeSet(digest=data.manifest.digest, records=len(chosen), of=len(trial.y))
