"""Detectors beside ART's on the features of a real victim: what each says of the same poisoned rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.contest import Contender, Facts, Goal, Measured, Row, Setting, Task, source
from bench.data import CLASSES, Features, features, noise
from bench.rows.screens import (
    ART,
    PACKAGES,
    TRUSTED,
    KnownByArt,
    art_clustering,
    our_clustering,
    our_spectral,
    suspect,
)
from bench.staging import command, stage
from bench.worker import rounded
from boomerang.manifest import Bools, Labels
from boomerang.scoring import auroc, share

_POISONED = (
    'attacks=[{kind="badnets", color="#ffffff", patch_px=3, target="Sneaker", rate=0.05}]',
    *("screen.detectors=[]", "harden=[]"),
)


# ---- the victim


def victim(setting: Setting) -> tuple[Features, Labels, Bools]:
    """Return float32[N + 1000, D], int64[N + 1000] and bool[N]: features and labels of a victim's training
    set, the trusted rows last, and which of the N are poison.

    The victim learned 10,000 photographs of clothes, of which 5% have a white square of 3x3 pixels and are
    called sneakers. It is trained once and its features are kept. Of a quick measurement they are drawn.
    """
    if setting.quick:
        x, y = features(2000 + TRUSTED, setting.seed)
        poisoned = np.zeros(2000, bool)
        poisoned[np.flatnonzero(y[:2000] == 0)[::50]] = True
        return x, y, poisoned
    file = setting.kept / "data" / f"fashion-victim-{setting.seed}.npz"
    if not file.exists():
        run_id = f"fashion-victim-{setting.seed}"
        stage(command(setting.kept, run_id, [f"seed={setting.seed}", *_POISONED], config="fashion"))
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, **_asked(setting.kept / run_id))
    with np.load(file) as stored:
        return stored["features"], stored["y"], stored["poisoned"]


def _asked(run_dir: Path) -> dict[str, Any]:
    """Return what the victim of a run has as features of its rows and of the trusted ones, and the truth."""
    from boomerang.formats.truth import TRUTH, load_truth
    from boomerang.manifest import opened
    from pipelines.campaign.entry import POISON, PREPROCESS, VICTIM
    from pipelines.runs.records import load_execution
    from training.model import ModelView

    run = load_execution(run_dir)
    sets = [opened(run.path(POISON, "train")), opened(run.path(PREPROCESS, "validation"))]
    view = ModelView(run.path(VICTIM, "model").parent)
    return {
        "features": np.concatenate([view.embed(each.x) for each in sets]),
        "y": np.concatenate([each.y for each in sets]),
        "poisoned": load_truth(run.path(POISON, "secret") / TRUTH).attack_of > 0,
    }


# ---- what is called


def our_published_spectral(suspect: Any) -> Any:
    from processing.defenses.screening.spectral_signatures import SpectralSignatures
    from processing.screen import screen

    return screen(suspect, [SpectralSignatures(rule="paper", whiten="none")])


def our_published_clustering(suspect: Any) -> Any:
    from processing.defenses.screening.activation_clustering import ActivationClustering
    from processing.screen import screen

    return screen(suspect, [ActivationClustering(rule="relative-size", whiten="none")])


def art_spectral(classifier: Any, x: Any, y: Any) -> Any:
    from art.defences.detector.poison import SpectralSignatureDefense

    return SpectralSignatureDefense(classifier, x, y, expected_pp_poison=0.05).detect_poison()[1]


def art_scores(classifier: Any, x: Any, y: Any) -> Any:
    """Return float64[N], ART's scores: it reports those of the rows that it suspects, here all."""
    from art.defences.detector.poison import SpectralSignatureDefense

    every = SpectralSignatureDefense(classifier, x, y, expected_pp_poison=1.0, eps_multiplier=1.0)
    report = every.detect_poison()[0]
    return np.array([report[row] for row in range(len(y))])


# ---- what is said of it


def _held(flagged: Bools, poisoned: Bools) -> Facts:
    tpr, fpr = share(flagged[poisoned]).value, share(flagged[~poisoned]).value
    assert tpr is not None and fpr is not None
    return {"poison_found": f"{100 * tpr:.1f}%", "clean_rows_flagged": f"{100 * fpr:.2f}%"}


def _ranked(scores: Any, poisoned: Bools, y: Labels) -> Facts:
    """Return the AUROC over all rows, and among those of the class that the poison was given to."""
    theirs = y == np.bincount(y[poisoned]).argmax()
    whole, inside = auroc(scores, poisoned), auroc(scores[theirs], poisoned[theirs])
    assert whole is not None and inside is not None
    return {"auroc": rounded(whole), "auroc_in_class": rounded(inside)}


def _of_ours(call: Any, *, ranked: bool) -> Callable[[Setting], Task]:
    def prepare(setting: Setting) -> Task:
        known, y, poisoned = victim(setting)
        shown = suspect(noise(len(y), 0, (1, 1, 1)), y, known)
        shown_to_art = _shown_to_art(known, y)

        def facts(screened: Any) -> Facts:
            (flagged,), (scores,) = screened.flagged, screened.scores
            told = _held(flagged, poisoned)
            if ranked:
                return told | _ranked(scores, poisoned, y[:-TRUSTED])
            same = share(flagged == (np.asarray(art_clustering(*shown_to_art)) == 0)).value
            return told | {"rows_as_art_has_them": rounded(same or 0.0)}

        return Task(lambda: call(shown), facts)

    return prepare


def _of_art(call: Any, *, ranked: bool) -> Callable[[Setting], Task]:
    def prepare(setting: Setting) -> Task:
        known, y, poisoned = victim(setting)
        shown = _shown_to_art(known, y)

        def facts(clean: Any) -> Facts:
            told = _held(np.asarray(clean) == 0, poisoned)
            return told | _ranked(art_scores(*shown), poisoned, y[:-TRUSTED]) if ranked else told

        return Task(lambda: call(*shown), facts)

    return prepare


def _shown_to_art(known: Features, y: Labels) -> tuple[Any, Any, Any]:
    """Return classifier, rows and labels as ART's detectors take them."""
    known, rows = known[:-TRUSTED], np.eye(len(CLASSES))[y[:-TRUSTED]]
    return KnownByArt(known), noise(len(known), 0, (1, 1, 1)), rows


def _fact(name: str, fact: str) -> Callable[[Measured], float]:
    return lambda measured: float(measured[name]["facts"][fact])


def _above(name: str, fact: str) -> Goal:
    words = f"{fact.replace('_', ' ').replace('auroc', 'AUROC')} of {name}, points above ART's"
    return Goal(words, lambda m: 100 * (_fact(name, fact)(m) - _fact("ART", fact)(m)), least=0, unit="points")


_VICTIM = (
    "the features of a victim that learned 10,000 photographs of clothes, 5% of them with a white square"
)
_NOTES = "Seed 0 of `fashion` with BadNets in place of its attacks: every number is of one victim. "
ROWS = (
    Row(
        name="spectral_real",
        operation=f"spectral signatures on {_VICTIM}",
        contenders=(
            Contender("ours", source(our_spectral), _of_ours(our_spectral, ranked=True), PACKAGES),
            Contender(
                "ours, as published",
                source(our_published_spectral),
                _of_ours(our_published_spectral, ranked=True),
                PACKAGES,
            ),
            Contender("ART", source(art_spectral, art_scores), _of_art(art_spectral, ranked=True), ART),
        ),
        goals=(
            _above("ours", "auroc"),
            _above("ours", "auroc_in_class"),
            _above("ours, as published", "auroc_in_class"),
        ),
        notes=f"{_NOTES}ART and the published form are told the rate, ours is not. AUROC is over all rows, "
        "and in class among those that bear the label of the poison.",
        cpu_s=120,
    ),
    Row(
        name="clustering_real",
        operation=f"activation clustering on {_VICTIM}",
        contenders=(
            Contender("ours", source(our_clustering), _of_ours(our_clustering, ranked=False), PACKAGES),
            Contender(
                "ours, as published",
                source(our_published_clustering),
                _of_ours(our_published_clustering, ranked=False),
                PACKAGES,
            ),
            Contender("ART", source(art_clustering), _of_art(art_clustering, ranked=False), ART),
        ),
        goals=(
            Goal(
                "share of rows that ours as published has as ART has them",
                _fact("ours, as published", "rows_as_art_has_them"),
                least=0.98,
                unit="",
            ),
        ),
        notes=f"{_NOTES}As published, the smaller cluster is suspected where it is under 35% of its class.",
        cpu_s=60,
    ),
)
