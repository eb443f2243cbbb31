"""The hardening job: repairs of the victim, one after the other, and what then wraps the model.

channel `train`       the rows as the victim learned from them
channel `history`     where given: rows of the past, all of which are kept
channel `validation`  the trusted clean rows
channel `screen`      where given: which of the rows were kept
channel `victim`      where the settings start from it: the model to repair
channel `given`       where the settings name a file in it: the network of what is trained from scratch
channel `X_signature` where the settings have a public key: the signature of channel X, checked first

It is stopped, started again and run on several hosts as a training is, see `training.train`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np

from boomerang.contract import Job, run_step
from boomerang.errors import BadInput, ConfigError
from boomerang.formats.model import Part
from boomerang.settings import HardenSettings
from training.cluster import Cluster, join
from training.fit import seed_everything
from training.given import Given, open_given
from training.inference import INFERENCE
from training.inference.common.base import InferenceDefense, wrapped
from training.inference.common.refusing import too_few
from training.labeled import Labeled
from training.repair import REPAIRS
from training.repair.common.base import Repair
from training.repair.common.bench import Bench


@dataclass(frozen=True)
class Plan:
    """What is done to a model, in order; not both are empty."""

    repairs: Sequence[Repair]
    inference: Sequence[InferenceDefense]


def plan_of(settings: HardenSettings) -> Plan:
    """Return what the settings ask for.

    Raises
    ------
    ConfigError
        If there is no such kind, a setting is wrong, or there is no model to begin with.
    """
    repairs = [REPAIRS.create(spec, f"repair {i}") for i, spec in enumerate(settings.repairs, 1)]
    defenses = [INFERENCE.create(spec, f"defense {i}") for i, spec in enumerate(settings.inference, 1)]
    if settings.start == "scratch" and not (repairs and repairs[0].fresh):
        what = repairs[0].kind if repairs else "a defense at inference"
        raise ConfigError(f"{what} needs a model", "the settings start from scratch", "start from the victim")
    return Plan(repairs, defenses)


def harden(job: Job) -> None:
    """Make the hardened model as the job's settings say and leave it for SageMaker to pack."""
    settings = job.settings(HardenSettings)
    plan = plan_of(settings)
    given = open_given(job, settings)
    check_needs(plan, given)
    cluster = join(job.hosts)
    with cluster.united():
        _harden(given, plan, cluster)
        cluster.part()  # the hosts end together, when the model is written


def check_needs(plan: Plan, given: Given) -> None:
    """Refuse what needs a screen, or more trusted rows than there are, with a BadInput."""
    have = int(np.bincount(given.trusted.y, minlength=len(given.train.classes)).min())
    for repair in plan.repairs:
        if repair.needs_screen and given.keep is None:
            raise BadInput("the screen", f"{repair.kind} needs one, there is none", "take another repair")
        if have < repair.trusted_per_class:
            why = f"{repair.kind} needs {repair.trusted_per_class} of each class, of one there are {have}"
            raise BadInput("the trusted rows", why, "raise data.validation, or take another repair")
    for defense in plan.inference:
        if (rows := len(given.trusted.y)) < defense.trusted_rows:
            raise too_few(defense, rows)


def _harden(given: Given, plan: Plan, cluster: Cluster) -> None:
    """Repair and wrap, and on the chief write the model and drop the checkpoints."""
    seed_everything(given.settings.seed)
    model = None if given.settings.start == "scratch" else given.start()
    bench = bench_of(given, cluster)
    model = repaired(model, plan.repairs, bench)
    if not cluster.chief:
        return
    whole = wrapped(given.finished(model), plan.inference, given.validation)
    given.save(
        whole,
        history=bench.history,
        repairs=parts(plan.repairs, bench.notes),
        inference=parts(plan.inference),
    )
    bench.clear()


def bench_of(given: Given, cluster: Cluster) -> Bench:
    """Return the bench of a job."""
    return Bench(
        rows=Labeled(given.train.x, given.train.y),
        kept=given.kept,
        flagged=np.zeros(len(given.train), bool) if given.keep is None else ~given.keep,
        trusted=given.validation,
        classes=given.train.classes,
        config=given.settings.train,
        architecture=given.architecture,
        seed=given.settings.seed,
        cluster=cluster,
        checkpoints=lambda model, number: given.checkpoints(model, cluster, number),
        past=given.earlier,
    )


def repaired(model: Any, repairs: Sequence[Repair], bench: Bench) -> Any:
    """Return a model, None if there is none yet, after all repairs; each begins at the same random state.

    What each noted is then in `bench.notes`.
    """
    import keras

    for repair in repairs:
        if bench.cluster.chief:
            print(f"repair: {repair.title}", flush=True)
        keras.utils.set_random_seed(bench.seed)
        model = repair.repair(model, bench)
        bench.notes.append({})
    return model


def parts(
    made: Sequence[Repair] | Sequence[InferenceDefense], notes: Iterable[dict[str, Any]] = ()
) -> tuple[Part, ...]:
    """Return what a card says of repairs and what they noted, or of defenses at inference."""
    noted = chain(notes, repeat({}))
    return tuple(
        Part(kind=m.kind, title=m.title, settings=m.model_dump(mode="json"), notes=next(noted)) for m in made
    )


if __name__ == "__main__":
    run_step(harden, training=True)
