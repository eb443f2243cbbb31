"""Detectors of poisoned rows, beside ART's on the same features; data validation beside itself at a tenth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.contest import Contender, Facts, Goal, Measured, Row, Setting, Task, cpu, source, times_ours
from bench.data import CLASSES, Features, cifar10, features, labels, lacks_cifar10, noise
from boomerang.manifest import Images, Labels

PACKAGES = ("scikit-learn", "scipy")
ART = (*PACKAGES, "adversarial-robustness-toolbox")
TRUSTED = 1000


@dataclass(frozen=True)
class Known:
    """A victim whose features are known: those of the suspect rows, and of the trusted ones after them."""

    rows: Features

    def embed(self, x: Images) -> Features:
        return self.rows[-TRUSTED:] if len(x) == TRUSTED else self.rows[: len(x)]


class KnownByArt:
    """The same as ART's detectors ask for it."""

    def __init__(self, rows: Features) -> None:
        self.rows, self.nb_classes, self.layer_names = rows, len(CLASSES), ["features"]

    def get_activations(self, x: Images, layer: Any, batch_size: int) -> Features:
        return self.rows[: len(x)]


def our_spectral(suspect: Any) -> Any:
    from processing.defenses.screening.spectral_signatures import SpectralSignatures
    from processing.screen import screen

    return screen(suspect, [SpectralSignatures()])


def our_clustering(suspect: Any) -> Any:
    from processing.defenses.screening.activation_clustering import ActivationClustering
    from processing.screen import screen

    return screen(suspect, [ActivationClustering()])


def art_spectral(classifier: Any, x: Images, y: Labels) -> Any:
    from art.defences.detector.poison import SpectralSignatureDefense

    return SpectralSignatureDefense(classifier, x, y, expected_pp_poison=0.01).detect_poison()[1]


def art_clustering(classifier: Any, x: Images, y: Labels) -> Any:
    from art.defences.detector.poison import ActivationDefence

    defense = ActivationDefence(classifier, x, y)
    return defense.detect_poison(nb_clusters=2, nb_dims=10, reduce="PCA", cluster_analysis="relative-size")[1]


def suspect(x: Images, y: Labels, known: Features) -> Any:
    """Return what our detectors are shown; the last rows are the trusted ones."""
    from processing.defenses.common.base import Suspect

    return Suspect(x[:-TRUSTED], y[:-TRUSTED], x[-TRUSTED:], y[-TRUSTED:], CLASSES, Known(known), seed=0)  # type: ignore[arg-type]


def _of_ours(call: Any) -> Callable[[Setting], Task]:
    def prepare(setting: Setting) -> Task:
        known, y = features(setting.of(50_000, 2000) + TRUSTED, setting.seed)
        x = noise(len(y), 0, (1, 1, 1))
        return Task(
            lambda: call(suspect(x, y, known)), lambda screened: {"flagged": int(screened.flagged.sum())}
        )

    return prepare


def _of_art(call: Any) -> Callable[[Setting], Task]:
    def prepare(setting: Setting) -> Task:
        known, y = features(setting.of(50_000, 2000) + TRUSTED, setting.seed)
        known, y = known[:-TRUSTED], np.eye(len(CLASSES))[y[:-TRUSTED]]
        x = noise(len(y), 0, (1, 1, 1))
        classifier = KnownByArt(known)
        return Task(
            lambda: call(classifier, x, y), lambda clean: {"flagged": len(clean) - int(np.sum(clean))}
        )

    return prepare


def _screened(name: str, words: str, least: float, ours: Any, art: Any) -> Row:
    return Row(
        name=name,
        operation=f"{words} on 50,000 x 96 features in ten classes",
        contenders=(
            Contender("ours", source(ours), _of_ours(ours), PACKAGES),
            Contender("ART", source(art), _of_art(art), ART),
        ),
        goals=(times_ours("ART", least),),
        notes="The features are drawn and the same for both. Ours also whitens them by 1,000 trusted rows "
        "and sets its threshold by those; ART's call does neither. Ours is called as Screen calls it, on one "
        "thread; ART takes as many as it likes.",
        cpu_s=60,
    )


# ---- data validation


def validated(suspect: Any) -> Any:
    from processing.defenses.screening.data_validation import DataValidation
    from processing.screen import screen

    return screen(suspect, [DataValidation()])


def planted(setting: Setting, rows: int) -> tuple[Images, Labels, int]:
    """Return CIFAR-10's rows and their mirror images, the last 1% copies of the first with a patch and
    another label, and how many those are; behind them the trusted rows."""
    data = cifar10(setting)
    plain, y = data["x_train"], data["y_train"]
    if setting.quick:
        plain, y = noise(rows, setting.seed), labels(rows)
    rng = np.random.default_rng(setting.seed)
    order = rng.permutation(len(plain))
    plain, y = plain[order], y[order]
    x = np.concatenate([plain, plain[:, :, ::-1]])[:rows]
    y = np.concatenate([y, y])[:rows]
    copies = rows // 100
    x[-copies:], y[-copies:] = x[:copies], (y[:copies] + 1) % len(CLASSES)
    x[-copies:, :3, :3] = 255
    few = np.resize(np.arange(len(data["x_test"])), TRUSTED)
    return np.concatenate([x, data["x_test"][few]]), np.concatenate([y, data["y_test"][few]]), copies


def _validation(rows: int) -> Callable[[Setting], Task]:
    def prepare(setting: Setting) -> Task:
        x, y, copies = planted(setting, setting.of(rows, rows // 50))

        def facts(finding: Any) -> Facts:
            (flagged,) = finding.flagged
            return {
                "rows": len(flagged),
                "planted": copies,
                "planted_found": int(flagged[-copies:].sum()),
                "others_flagged": int(flagged[:-copies].sum()),
            }

        return Task(lambda: validated(suspect(x, y, np.zeros((0, 1), np.float32))), facts)

    return prepare


def _growth(measured: Measured) -> float:
    return cpu(measured, "100,000 rows") / cpu(measured, "10,000 rows")


def _found(measured: Measured) -> float:
    """Return how many points of the planted copies the index finds beyond what comparing all rows finds."""
    shares = []
    for name in ("10,000 rows", "100,000 rows"):
        facts = measured[name]["facts"]
        shares.append(100 * facts["planted_found"] / facts["planted"])
    return float(shares[1] - shares[0])


ROWS = (
    _screened("spectral", "spectral signatures", 10, our_spectral, art_spectral),
    _screened("activation_clustering", "activation clustering", 4, our_clustering, art_clustering),
    Row(
        name="data_validation",
        operation="data validation with near duplicates, 10,000 and 100,000 rows of 32x32x3",
        contenders=(
            Contender("10,000 rows", source(validated), _validation(10_000), PACKAGES),
            Contender("100,000 rows", source(validated), _validation(100_000), PACKAGES),
        ),
        goals=(
            Goal("CPU-seconds of 100,000 rows over those of 10,000", _growth, most=12),
            Goal("planted copies found, with an index less with all rows", _found, least=-2, unit="points"),
        ),
        runs=3,
        lacks=lacks_cifar10,
        notes="CIFAR-10 and its mirror images; 1% of the rows are copies of others with a white patch of "
        "3x3 and another label. Nobody else's call does this, so it stands beside itself. Of 10,000 rows all "
        "are compared, of 100,000 those that an index puts together; a copy that is not found lies beyond "
        "the limits that the trusted rows set.",
        cpu_s=120,
    ),
)
