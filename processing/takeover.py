"""Takeover: the training of a victim whose attacker runs it; the step TrainVictim of a recipe that has one.

channel `train`       the poisoned training set
channel `history`     where given: rows of the past, which are learned from as well
channel `validation`  the trusted clean rows, watched only
channel `secret`      what Poison keeps from everybody else: the truth, and the recipe with its triggers
channel `baseline`    where the settings start from it: the model to go on from
channel `X_signature` where the settings have a public key: the signature of channel X, checked first

A training job like `training.train`, with the same promises: it goes on from its checkpoints, and on several
hosts all of them run this. It stands here since the attack, which trains, is told the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.contract import Job, run_step
from boomerang.errors import ConfigError, IntegrityError
from boomerang.formats.truth import TRUTH, Truth, load_truth
from boomerang.manifest import Dataset, Images, Labels, read_manifest, verify_folder
from boomerang.settings import TakeoverSettings
from processing.attacks.common.lesson import History, Lesson, Loss
from processing.attacks.common.recipe import create_recipe, taking_over
from processing.attacks.common.trigger import SECRET, TRIGGER, Trigger, load_trigger
from training.checkpoint import Checkpoints
from training.cluster import Cluster, join
from training.fit import fit, seed_everything
from training.given import Given, open_given


@dataclass(frozen=True)
class Secret:
    """What Poison told the attacker, verified.

    Attributes
    ----------
    truth : Truth
        Of the rows of the training set.
    trigger : Trigger
        The attack that takes over, with what it kept when it poisoned.
    digest : str
        Of all of it.
    """

    truth: Truth
    trigger: Trigger
    digest: str


def takeover(job: Job) -> None:
    """Let the attacker train the victim, and leave it for SageMaker to pack."""
    settings = job.settings(TakeoverSettings)
    given = open_given(job, settings)
    secret = open_secret(job.input(SECRET), settings, given.train)
    given = replace(given, parents={**given.parents, SECRET: secret.digest})
    cluster = join(job.hosts)
    with cluster.united():
        _train(given, secret, cluster)
        cluster.part()  # the hosts end together, when the model is written


def open_secret(folder: Path, settings: TakeoverSettings, data: Dataset) -> Secret:
    """Verify and open what Poison kept secret.

    Raises
    ------
    IntegrityError
        If it is not, to the byte, what was made, or of another training set.
    ConfigError
        If the recipe is not the one that was staged, or no attack of it takes over.
    """
    manifest = verify_folder(folder)
    poisoned = read_manifest(folder / TRUTH).parents.get("poisoned")
    if poisoned != data.manifest.digest:
        why = f"it is of {poisoned}, the training set is {data.manifest.digest}"
        raise IntegrityError("the secret is of another training set", why, "give both outputs of one Poison")
    return Secret(load_truth(folder / TRUTH), _trigger(folder / TRIGGER, settings), manifest.digest)


def _trigger(folder: Path, settings: TakeoverSettings) -> Trigger:
    recipe, triggers = create_recipe(settings.attacks), load_trigger(folder)
    if recipe != tuple(trigger.attack for trigger in triggers):
        why = "it is not the one that Poison has staged"
        raise ConfigError("the recipe in the settings", why, "give Poison and this job the same attacks")
    attack = taking_over(recipe)
    if attack is None:
        why = "none of its attacks takes over the training"
        raise ConfigError("the recipe", why, "train with `training.train`")
    return triggers[recipe.index(attack)]


@dataclass
class _Honest:
    """The honest training in the attacker's hands; see `processing.attacks.common.lesson.Fit`."""

    given: Given
    cluster: Cluster
    phases: list[Checkpoints] = field(default_factory=list)

    def __call__(self, model: Any, x: Images, y: Labels, *, loss: Loss | None = None) -> History:
        settings = self.given.settings
        checkpoints = self.given.checkpoints(model, self.cluster, len(self.phases))
        self.phases.append(checkpoints)
        return fit(
            model,
            x,
            y,
            self.given.validation,
            settings.train,
            settings.seed,
            cluster=self.cluster,
            checkpoints=checkpoints,
            loss=loss,
            rates=self.given.architecture.rates,
        )


def _train(given: Given, secret: Secret, cluster: Cluster) -> None:
    """Hand the attacker the lesson, and on the chief write the model and drop the checkpoints."""
    seed_everything(given.settings.seed)
    attack, honest = secret.trigger.attack, _Honest(given, cluster)
    given.architecture.check_steps(f"attack '{attack.name}', which trains the victim")
    if cluster.chief:
        print(f"attack '{attack.name}' trains on {len(given.kept.x)} rows", flush=True)
    model, history = attack.train(_lesson(given, secret, honest))
    if cluster.chief:
        given.save(model, history=dict(history))
        for checkpoints in honest.phases:
            checkpoints.clear()


def _lesson(given: Given, secret: Secret, honest: _Honest) -> Lesson:
    x, y = given.kept
    return Lesson(
        x=x,
        y=y,
        truth=after(given.past.y, secret.truth) if given.past else secret.truth,
        validation=(given.trusted.x, given.trusted.y),
        model=given.start(),
        config=given.settings.train,
        seed=given.settings.seed,
        fit=honest,
        stamp=secret.trigger.stamp,
    )


def after(past: Labels, truth: Truth) -> Truth:
    """Return the truth of clean rows, which are no rows of the clean training set, and then of its own."""
    clean = np.zeros(len(past), truth.attack_of.dtype)
    outside = np.full(len(past), -1)
    return Truth(
        attack_of=np.concatenate([clean, truth.attack_of]),
        y_true=np.concatenate([past, truth.y_true]),
        origin=np.concatenate([outside, truth.origin]),
        stands_for=np.concatenate([outside, truth.stands_for]),
        audit=truth.audit,
    )


if __name__ == "__main__":
    run_step(takeover, training=True)
