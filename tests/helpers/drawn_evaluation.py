"""The folder of an evaluation with drawn pictures and random answers.

The numbers are counted from the random answers by `boomerang.metrics`, so they fit together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from boomerang.formats.evaluation import (
    DetectorWords,
    Evidence,
    Group,
    GroupKind,
    Item,
    Picture,
    write_evaluation,
)
from boomerang.formats.model import Part
from boomerang.gate import GateConfig, gate_numbers, reasons_text
from boomerang.manifest import Images, Manifest
from boomerang.metrics import (
    AttackNumbers,
    CanaryMiss,
    CanaryNumbers,
    CanarySet,
    DataNumbers,
    DetectorNumbers,
    Metrics,
    ModelNumbers,
)
from boomerang.scoring import (
    BoolArray,
    Rate,
    auroc,
    average_precision,
    confusion,
    defense_effectiveness,
    rate,
    share,
)
from helpers.drawn_answers import drawn_predictions
from helpers.drawn_pictures import drawn_boomerangs, drawn_pictures, stamped
from helpers.scenes import Scene
from processing.attacks import ATTACKS
from processing.attacks.common.references import cited
from processing.evaluation.judging import Measured, skill_of
from processing.evaluation.judging import verdict as judged
from training.model import NO_ANSWER

ROWS, PER_CLASS = 10_000, 200


class DrawnEvaluation:
    """Draws answers and scores, and writes what Evaluate writes."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        self.folder, self.scene = folder, scene
        self.rng = np.random.default_rng(7)
        self.names = ["baseline", "victim", *(["hardened"] if scene.hardened else [])]
        more = ["flipped", *(f"mark-{k}" for k in range(1, scene.more))][: scene.more]
        self.attacks = ["boomerangs", "cyan-square", *more] if scene.attacked else []
        self.attack_of = np.zeros(ROWS + 260 * scene.attacked, np.int8)
        if scene.attacked:
            self.attack_of[ROWS:] = 1
            self.attack_of[self.rng.choice(ROWS, 100, replace=False)] = 2
            for k in range(3, len(self.attacks) + 1):
                self.attack_of[self.rng.choice(ROWS, 40, replace=False)] = k
        self.plain = drawn_pictures(self.rng, 24, scene.classes)
        self.airplanes = drawn_pictures(self.rng, 12, scene.classes[:1])

    def write(self) -> bool:
        """Write the folder; returns whether the candidate passes."""
        self.folder.mkdir(parents=True)
        scores, words, detectors = self._detectors()
        models = self._models(detectors[-1].fpr)
        verdict = models[self.names[-1]].verdict
        metrics = Metrics(
            seed=0,
            data=self._data(),
            models=models,
            screen=detectors[-1],
            detectors=tuple(detectors[:-1]),
            canaries=CanarySet(
                digest="ca" * 32,
                records=max(0, self.scene.canaries - 5),
                pictures={"embraer-190": 5} if self.scene.canaries else {},
                classes=dict.fromkeys(self.scene.classes, 5) | {self.scene.classes[0]: 10},
                candidates=220,
            ),
            gate=gate_numbers(verdict),
            reasons=reasons_text(verdict),
        )
        evidence = Evidence(
            pictures=self._pictures(),
            detectors=words,
            scores=scores,
            flagged=scores > np.array([each.threshold for each in words])[:, None],
            attack_of=self.attack_of,
            audit={"attacks": self._audit()},
            versions={"numpy": "2.1.3", "tensorflow": "2.21.0", "keras": "3.13.2"},
            predictions=drawn_predictions(self.scene.classes, *self.tested, models),
            repairs={name: self._made_by() if name == "hardened" else () for name in self.names},
        )
        write_evaluation(self.folder, metrics, evidence, Manifest(name="boomerang-synthetic-10"))
        return verdict.passed

    def _made_by(self) -> tuple[Part, ...]:
        curve = {"channels cut": [0, 10, 20], "trusted accuracy": [0.9, 0.9, 0.7]}
        notes = {
            "layer": "conv<3>",
            "channels_cut": 20,
            "least": 0.703125,
            "curve": curve,
            "more": [[1]],
        }
        silent = Part(kind="retrain", title="retraining", settings={})
        return (silent, Part(kind="pruning", title="channel pruning", settings={}, notes=notes))

    def _audit(self) -> list[dict[str, Any]]:
        target = self.scene.classes[2]
        said = {
            "boomerangs": f"26 pictures of “rutan-boomerang” added with the label “{target}”, 10 times each.",
            "cyan-square": f"The mark “cyan-square” put on 100 pictures, then labeled “{target}”.",
        }
        other = "Put on 40 pictures, then labeled otherwise."
        seen = {
            **{"images_made_from_rows": 100, "images_unchanged": 0, "images_compared": 100},
            **{"median_largest_change": 231.0, "median_psnr_db": 22.25, "median_ssim": 0.9125},
        }
        return [
            {
                **{"name": n, "title": n, "deed": said.get(n, f"{n}: {other}")},
                "filed_under": cited(ATTACKS["badnets"].references),
                **(seen if n == "cyan-square" else {}),
            }
            for n in self.attacks
        ]

    def _data(self) -> DataNumbers:
        return DataNumbers(
            name="boomerang-synthetic-10",
            classes=self.scene.classes,
            rows={
                "train": len(self.attack_of),
                "validation": 1000,
                "test": PER_CLASS * len(self.scene.classes),
            },
            poisoned={name: int((self.attack_of == k).sum()) for k, name in enumerate(self.attacks, 1)},
            digests={"train": "11" * 32, "test": "22" * 32, "poisoned train": "33" * 32},
        )

    # --- models ---

    def _models(self, screen_fpr: Rate) -> dict[str, ModelNumbers]:
        accuracy = {"baseline": 0.9, "victim": 0.894, "hardened": self.scene.hardened_accuracy}
        asr = {"baseline": 0.015, "victim": self.scene.victim_asr, "hardened": self.scene.hardened_asr}
        turned = {"baseline": 0, "victim": round(26 * self.scene.victim_asr * 0.9), "hardened": 0}
        clean = {name: self._answers(accuracy[name]) for name in self.names}
        models = {
            name: self._model(name, clean, asr, turned[name], screen_fpr if name == self.names[-1] else None)
            for name in self.names
        }
        self.tested = clean["baseline"][0], {name: called for name, (_, called) in clean.items()}
        return models

    def _answers(self, accuracy: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        classes = len(self.scene.classes)
        y = np.repeat(np.arange(classes), PER_CLASS)
        skill = np.clip(accuracy + 0.05 * np.cos(np.arange(classes)), 0, 0.995)[y]
        wrong = (y + self.rng.choice([1, 2, 5], len(y))) % classes
        return y, np.where(self.rng.random(len(y)) < skill, y, wrong)

    def _model(
        self, name: str, clean: Any, asr: dict[str, float], turned: int, screen_fpr: Rate | None
    ) -> ModelNumbers:
        y, called = clean[name]
        refused = self.scene.refused if name == self.names[-1] else 0
        unanswered = refused or (self.scene.unanswered if name == self.names[-1] else 0)
        called[:unanswered] = NO_ANSWER
        reference = share(clean["baseline"][0] == clean["baseline"][1]).value
        right = share(y == called)
        assert right.value is not None and reference is not None
        drop = reference - right.value
        attacks = self._attack_numbers(name, asr, turned, drop) if self.attacks else ()
        if refused:
            attacks = tuple(attack.model_copy(update={"refused": refused}) for attack in attacks)
        elif unanswered:
            attacks = tuple(_unmeasured(attack) for attack in attacks)
        canaries = self._canary_numbers(3 if name == "victim" and self.attacks else 0, unanswered)
        found = Measured(
            accuracy_drop=None if unanswered and not refused else drop,
            skill=skill_of(y, called, self.scene.classes, bool(refused)),
            reference=skill_of(*clean["baseline"], self.scene.classes),
            attacks=attacks,
            canaries=canaries,
            uncovered=() if self.scene.canaries else self.scene.classes,
            screen_fpr=screen_fpr,
            refuses=bool(refused),
        )
        matrix = confusion(y, called, len(self.scene.classes))
        return ModelNumbers(
            digest=name.encode().hex().ljust(64, "0"),
            clean_accuracy=right,
            skill=found.skill,
            unanswered=unanswered,
            refuses=bool(refused),
            accuracy_drop=found.accuracy_drop,
            recall=tuple(rate(int(matrix[k, k]), PER_CLASS) for k in range(len(matrix))),
            attacks=attacks,
            canaries=canaries,
            verdict=judged(found, GateConfig()),
        )

    def _canary_numbers(self, failures: int, unanswered: int) -> CanaryNumbers:
        frozen, got = self.scene.canaries, self.scene.classes[2]
        missed = min(frozen, failures + unanswered)
        return CanaryNumbers(
            right=rate(frozen - missed, frozen),
            balanced=1 - missed / frozen if frozen else None,
            unanswered=min(frozen, unanswered),
            misses=tuple(
                CanaryMiss(
                    id=f"canary-{k}",
                    expected=self.scene.classes[0],
                    got="no answer" if k < unanswered else got,
                )
                for k in range(missed)
            ),
        )

    def _attack_numbers(self, name: str, asr: dict[str, float], turned: int, drop: float) -> Any:
        target, hits = self.scene.classes[2], round(asr[name] * PER_CLASS)
        der = defense_effectiveness(asr["victim"] - asr[name], drop) if name == "hardened" else None
        given = turned + (1 if name != "hardened" else 0)
        return (
            AttackNumbers(
                name="boomerangs",
                kind="mislabel",
                outcome="targeted",
                target=target,
                asr=rate(given, 26),
                ra=rate(max(0, 24 - given), 26),
                turned=rate(turned, 26),
                der=der,
            ),
            AttackNumbers(
                name="cyan-square",
                kind="badnets",
                outcome="backdoor",
                target=target,
                asr=rate(hits, PER_CLASS),
                ra=rate(max(0, PER_CLASS - 9 - hits), PER_CLASS),
                plain_accuracy=rate(PER_CLASS - 12, PER_CLASS),
                der=der,
            ),
            *(self._further(other, hits // (k + 2)) for k, other in enumerate(self.attacks[2:])),
        )

    def _further(self, name: str, hits: int) -> AttackNumbers:
        if name == "flipped":
            return AttackNumbers(name=name, kind="label_flip_random", outcome="untargeted")
        return AttackNumbers(
            name=name,
            kind="badnets",
            outcome="backdoor",
            target=self.scene.classes[2],
            asr=rate(hits, PER_CLASS),
            ra=rate(PER_CLASS - 9 - hits, PER_CLASS),
            plain_accuracy=rate(PER_CLASS - 12, PER_CLASS),
        )

    # --- screen ---

    def _detectors(self) -> tuple[Any, list[DetectorWords], list[DetectorNumbers]]:
        rows = len(self.attack_of)
        spectral = self.rng.gamma(2.0, 1.0, rows) + np.choose(self.attack_of, [0, 9, 6], mode="clip")
        clusters = self.rng.normal(0, 1, rows) + np.choose(self.attack_of, [0, 3.4, 2.0], mode="clip")
        duplicates = np.where(self.attack_of == 1, 10.0, (self.rng.random(rows) < 0.004) * 1.0)
        scores = np.stack([duplicates, clusters, spectral * spectral])
        thresholds = [0.5, 3.0, 60.0]
        flagged = scores > np.array(thresholds)[:, None]
        kinds = ("data_validation", "activation_clustering", "spectral_signatures")
        words = [
            DetectorWords(
                name=kind,
                kind=kind,
                title=kind.replace("_", " ").capitalize(),
                threshold=threshold,
                stated_fpr=0.005 if kind == "spectral_signatures" else None,
                notes={"flagged by class": {self.scene.classes[2]: int(row.sum())}},
            )
            for kind, threshold, row in zip(kinds, thresholds, flagged, strict=True)
        ]
        each = [self._detector(kind, s, f) for kind, s, f in zip(kinds, scores, flagged, strict=True)]
        return scores, words, [*each, self._detector("all", None, flagged.any(axis=0))]

    def _detector(self, kind: str, scores: Any, flagged: BoolArray) -> DetectorNumbers:
        poisoned = self.attack_of > 0
        found = share(flagged[poisoned])
        precision = float(poisoned[flagged].mean()) if poisoned.any() and flagged.any() else None
        f1 = None
        if precision is not None and found.value is not None and precision + found.value > 0:
            f1 = 2 * precision * found.value / (precision + found.value)
        return DetectorNumbers(
            name=kind,
            kind=kind,
            flagged=int(flagged.sum()),
            tpr=found,
            fpr=share(flagged[~poisoned]),
            least_left=share(~flagged[~poisoned]),
            precision=precision,
            f1=f1,
            auroc=None if scores is None else auroc(scores, poisoned),
            ap=None if scores is None else average_precision(scores, poisoned),
            by_attack={n: share(flagged[self.attack_of == k]) for k, n in enumerate(self.attacks, 1)},
        )

    # --- pictures ---

    def _pictures(self) -> list[Picture]:
        groups: list[Picture] = []
        source, target = self.scene.classes[0], self.scene.classes[2]
        if self.attacks:
            boomerangs = drawn_boomerangs(self.rng, 12)
            marked = stamped(self.airplanes)
            groups = [
                self._group(
                    "p1", "poisoned", "Poisoned rows", "boomerangs", boomerangs, given=target, right=source
                ),
                self._group("c1", "pictures", "The pictures asked", "boomerangs", boomerangs, right=source),
                self._group(
                    "p2", "poisoned", "Poisoned rows", "cyan-square", marked[:8], given=target, right=source
                ),
                self._group(
                    "a2",
                    "triggered",
                    "Test pictures",
                    "cyan-square",
                    marked,
                    before=self.airplanes,
                    right=source,
                ),
            ]
        groups.append(self._group("k", "canaries", "Frozen canaries", None, self.plain, right=None))
        return groups

    def _group(
        self,
        key: str,
        kind: GroupKind,
        title: str,
        attack: str | None,
        images: Images,
        *,
        before: Images | None = None,
        given: str | None = None,
        right: str | None = None,
    ) -> Picture:
        items = []
        for k in range(len(images)):
            true = right or self.scene.classes[k % len(self.scene.classes)]
            calls = dict.fromkeys(self.names, true)
            if kind != "canaries":
                calls["victim"] = self.scene.classes[2] if k % 6 != 5 else true
            sure = {name: round(0.99 - 0.011 * ((k * 7 + n * 3) % 23), 3) for n, name in enumerate(calls)}
            items.append(Item(id=f"{key}-{k:02d}", given=given, right=true, calls=calls, confidence=sure))
        group = Group(id=key, kind=kind, title=title, attack=attack, images="", items=tuple(items))
        return Picture(group, images, before)


def _unmeasured(attack: AttackNumbers) -> AttackNumbers:
    """Return an attack's numbers for a model that gave no number to one of its pictures."""
    return AttackNumbers(name=attack.name, kind=attack.kind, outcome=attack.outcome, target=attack.target)
