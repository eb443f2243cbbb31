"""The training job: baseline and victim are this one step with other inputs.

channel `train`       the rows to learn from
channel `history`     where given: rows of the past, which are learned from as well
channel `validation`  the trusted clean rows, watched only
channel `baseline`    where the settings start from it: the model to fine-tune
channel `given`       where the settings name a file in it: the model, or its network alone
channel `screen`      where given: only the rows that the screen kept are learned from
channel `X_signature` where the settings have a public key: the signature of channel X, checked first

Beside the model it leaves a record of what was seen of each row on the way, see `boomerang.formats.model`.

Stopped and started again it goes on from its checkpoint; on several hosts all of them run this, and the
first one writes. See docs/training.md.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from boomerang.contract import Job, run_step
from boomerang.settings import TrainSettings
from training.cluster import Cluster, join
from training.fit import fit, seed_everything, solve
from training.foreign.taken import GIVEN, take
from training.given import Given, open_given
from training.learning.descent import honest_loss
from training.learning.head import new_head
from training.learning.recording import Recorder


def train(job: Job) -> None:
    """Train one model as the job's settings say, or take the given one, for SageMaker to pack."""
    settings = job.settings(TrainSettings)
    if settings.start == GIVEN:
        take(job, settings)
        return
    given = open_given(job, settings)
    cluster = join(job.hosts)
    with cluster.united():
        _train(given, cluster)
        cluster.part()  # the hosts end together, when the model is written


def _train(given: Given, cluster: Cluster) -> None:
    """Train, and on the chief write the model and drop the checkpoints."""
    settings = given.settings
    seed_everything(settings.seed)
    if cluster.chief:
        kept, past, name = len(given.kept.x), len(given.past or ()), given.train.manifest.name
        of_past = f", {past} of them of the past" if past else ""
        print(f"training on {kept} of {past + len(given.train)} rows of {name}{of_past}", flush=True)
    if not given.architecture.in_steps:
        _solve(given, cluster)
        return
    model = given.start()
    with new_head(model) if settings.new_head else nullcontext():
        _learn(given, model, cluster)


def _learn(given: Given, model: Any, cluster: Cluster) -> None:
    settings, checkpoints = given.settings, given.checkpoints(model, cluster)
    recorder = Recorder(settings.train.epochs, len(given.kept.y), len(given.trusted))
    history = fit(
        model,
        *given.kept,
        given.validation,
        settings.train,
        settings.seed,
        cluster=cluster,
        checkpoints=checkpoints,
        loss=honest_loss(settings.train, frozen=settings.new_head),
        rates=given.architecture.rates,
        recorder=recorder,
    )
    if cluster.chief:
        given.save(model, recorder.record(given.kept.y, given.trusted.y), history=history)
        checkpoints.clear()


def _solve(given: Given, cluster: Cluster) -> None:
    """Solve a network that takes no steps, on the chief alone, and write it."""
    if given.settings.start != "scratch":
        given.architecture.check_steps(f"going on from the {given.settings.start}")
    if cluster.chief:
        print("nothing of [train] is used: the network is solved at once", flush=True)
        model, history = solve(given.architecture, given.kept, given.validation, len(given.train.classes))
        given.save(model, history=history)


if __name__ == "__main__":
    run_step(train, training=True)
