"""The folder that Evaluate leaves: the numbers, and what a person should see of the run beside them.

metrics.json     `boomerang.metrics.Metrics`, which the pipeline's gate reads
gallery.json     small groups of images with what each model calls them; their pixels are in `arrays`
detectors.json   each detector with its threshold and notes
repairs.json     what made each model, and what each repair noted
audit.json       what each attack did, in Poison's words
versions.json    of the libraries that the numbers depend on
arrays/          gallery-K.npy, gallery-K-before.npy: uint8[n, H, W, C]; scores.npy float64[D, N], flagged.npy
                 bool[D, N] and attack_of.npy int8[N], of the training rows
canaries/        dataset: the frozen canary records
predictions/     what every model called every image that a rate is counted on, see
                 `boomerang.formats.predictions`
probes/NAME/     datasets, see `boomerang.formats.probes`
manifest.json    commits the folder
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.config import Strict, validate
from boomerang.errors import BadInput
from boomerang.formats.model import Part
from boomerang.formats.predictions import Predictions, write_predictions
from boomerang.manifest import Bools, Images, Manifest, commit, verify_folder
from boomerang.metrics import METRICS_FILE, Metrics
from boomerang.safeio import load_json, load_npy, safe_join, write_json_atomic

KIND = "evaluation"
CANARIES = "canaries"

_GALLERY, _DETECTORS, _REPAIRS = "gallery.json", "detectors.json", "repairs.json"
_AUDIT, _VERSIONS = "audit.json", "versions.json"
_ARRAYS = "arrays"

GroupKind = Literal["poisoned", "missed", "taken", "triggered", "pictures", "canaries"]


class Item(Strict):
    """One picture of a gallery: the label it was given, the right one, and what each model calls it."""

    id: str
    given: str | None = None
    right: str | None = None
    calls: dict[str, str] = Field(default_factory=dict)
    confidence: dict[str, float] = Field(default_factory=dict)


class Group(Strict):
    """A row of pictures; `before` holds the same ones without the trigger."""

    id: str
    kind: GroupKind
    title: str
    attack: str | None = None
    images: str
    before: str | None = None
    items: tuple[Item, ...] = ()


class Gallery(Strict):
    """The whole of `gallery.json`."""

    groups: tuple[Group, ...] = ()


class DetectorWords(Strict):
    """One entry of `detectors.json`; row k of `scores` and `flagged` is the k-th entry's."""

    name: str
    kind: str
    title: str = ""
    threshold: float | None = None
    stated_fpr: float | None = None
    notes: dict[str, Any] = Field(default_factory=dict)


class Reference(Strict):
    """An entry of a taxonomy that an attack is filed under, and which version of that is meant."""

    taxonomy: str
    version: str
    id: str
    name: str


class AttackWords(Strict):
    """What `audit.json` says of an attack for people; it holds more, for auditors, and older ones less.

    Attributes
    ----------
    images_made_from_rows : int
        Images that were made from a row of the training set; the rest came from outside.
    images_unchanged : int
        Those of them that are as the row was.
    images_compared : int
        Of how many of them PSNR and SSIM are.
    median_largest_change, median_psnr_db, median_ssim : float or None
        Medians over images: the largest change of any value, of 255; None of PSNR is infinite.
    """

    name: str
    title: str = ""
    deed: str = ""
    filed_under: tuple[Reference, ...] = ()
    images_made_from_rows: int = 0
    images_unchanged: int = 0
    images_compared: int = 0
    median_largest_change: float | None = None
    median_psnr_db: float | None = None
    median_ssim: float | None = None


class _DetectorList(Strict):
    detectors: tuple[DetectorWords, ...] = ()


class _Repairs(Strict):
    """The whole of `repairs.json`."""

    models: dict[str, tuple[Part, ...]]


@dataclass(frozen=True)
class Picture:
    """A group of a gallery as it is written: the group, and its pixels.

    Attributes
    ----------
    group : Group
        Its `images` and `before` are filled in when it is written.
    x : uint8[n, H, W, C], 0..255
    before : uint8[n, H, W, C] or None
    """

    group: Group
    x: Images
    before: Images | None


@dataclass(frozen=True)
class Evidence:
    """What stands beside the numbers.

    Attributes
    ----------
    pictures : sequence of Picture
    detectors : sequence of DetectorWords
        D of them.
    scores : float64[D, N]
    flagged : bool[D, N]
    attack_of : int8[N]
        0 is a clean row, k a row of the k-th attack of the recipe.
    audit, versions : mapping
    predictions : Predictions
        What the numbers were counted from.
    repairs : mapping of str to sequence of Part
        By model, as its card has them.
    """

    pictures: Sequence[Picture]
    detectors: Sequence[DetectorWords]
    scores: npt.NDArray[np.float64]
    flagged: Bools
    attack_of: npt.NDArray[np.int8]
    audit: Mapping[str, Any]
    versions: Mapping[str, str]
    predictions: Predictions
    repairs: Mapping[str, Sequence[Part]]


@dataclass(frozen=True)
class Evaluation:
    """The folder, read; see `Evidence` for the arrays."""

    folder: Path
    metrics: Metrics
    groups: tuple[Group, ...]
    detectors: tuple[DetectorWords, ...]
    attacks: tuple[AttackWords, ...]
    scores: npt.NDArray[np.float64]
    flagged: Bools
    attack_of: npt.NDArray[np.int8]
    versions: dict[str, str]
    repairs: dict[str, tuple[Part, ...]]

    def images(self, name: str) -> Images:
        """Return an array of the gallery, uint8[n, H, W, C]; raises BadInput if it is another."""
        path = safe_join(self.folder, name)
        array = load_npy(path, kinds="u", ndim=4)
        if array.dtype != np.uint8 or array.shape[3] not in (1, 3):
            why = f"it holds {array.dtype}{list(array.shape)}"
            raise BadInput(path.name, why, "give uint8[n, H, W, 1 or 3]")
        return array


def write_evaluation(folder: Path, metrics: Metrics, evidence: Evidence, manifest: Manifest) -> Manifest:
    """Write numbers and evidence into a folder that holds canaries and probes already, and commit it."""
    (folder / _ARRAYS).mkdir(exist_ok=True)
    groups = [_save_picture(folder, k, picture) for k, picture in enumerate(evidence.pictures)]
    for name in ("scores", "flagged", "attack_of"):
        np.save(folder / _ARRAYS / f"{name}.npy", getattr(evidence, name), allow_pickle=False)
    write_predictions(folder, evidence.predictions)
    contents = {
        METRICS_FILE: metrics.model_dump(mode="json"),
        _GALLERY: Gallery(groups=tuple(groups)).model_dump(mode="json"),
        _DETECTORS: [each.model_dump(mode="json") for each in evidence.detectors],
        _REPAIRS: _Repairs(models={k: tuple(v) for k, v in evidence.repairs.items()}).model_dump(mode="json"),
        _AUDIT: dict(evidence.audit),
        _VERSIONS: dict(evidence.versions),
    }
    for name, content in contents.items():
        write_json_atomic(folder / name, content)
    return commit(folder, manifest.model_copy(update={"kind": KIND}))


def _save_picture(folder: Path, number: int, picture: Picture) -> Group:
    name = f"{_ARRAYS}/gallery-{number}"
    saved = {"images": f"{name}.npy", "before": None if picture.before is None else f"{name}-before.npy"}
    for file, x in zip(saved.values(), (picture.x, picture.before), strict=True):
        if file is not None and x is not None:
            np.save(folder / file, np.ascontiguousarray(x), allow_pickle=False)
    return picture.group.model_copy(update=saved)


def read_metrics(folder: Path) -> Metrics:
    """Return the numbers alone.

    Raises
    ------
    BadInput, ConfigError
        If the file is missing or malformed.
    """
    return validate(Metrics, load_json(folder / METRICS_FILE), where=METRICS_FILE)


def read_gallery(folder: Path) -> Gallery:
    """Return the gallery alone; raises as `read_metrics` does."""
    return validate(Gallery, load_json(folder / _GALLERY), where=_GALLERY)


def open_evaluation(folder: Path) -> Evaluation:
    """Verify the folder and read it.

    Raises
    ------
    IntegrityError
        If a file is not what the manifest says.
    BadInput, ConfigError
        If a file is malformed, or two do not fit together.
    """
    verify_folder(folder)
    entries = {"detectors": load_json(folder / _DETECTORS)}
    evaluation = Evaluation(
        folder=folder,
        metrics=read_metrics(folder),
        groups=read_gallery(folder).groups,
        detectors=validate(_DetectorList, entries, where=_DETECTORS).detectors,
        attacks=_attack_words(folder),
        scores=load_npy(folder / _ARRAYS / "scores.npy", kinds="f", ndim=2),
        flagged=load_npy(folder / _ARRAYS / "flagged.npy", kinds="b", ndim=2),
        attack_of=load_npy(folder / _ARRAYS / "attack_of.npy", kinds="i", ndim=1),
        versions=load_json(folder / _VERSIONS),
        repairs=validate(_Repairs, load_json(folder / _REPAIRS), where=_REPAIRS).models,
    )
    _check_shapes(evaluation)
    return evaluation


def _attack_words(folder: Path) -> tuple[AttackWords, ...]:
    audit = load_json(folder / _AUDIT)
    entries = audit.get("attacks", []) if isinstance(audit, dict) else []
    said = [{key: entry[key] for key in AttackWords.model_fields if key in entry} for entry in entries]
    return tuple(validate(AttackWords, entry, where=_AUDIT) for entry in said)


def _check_shapes(evaluation: Evaluation) -> None:
    wanted = (len(evaluation.detectors), len(evaluation.attack_of))
    for name, shape in (("scores", evaluation.scores.shape), ("flagged", evaluation.flagged.shape)):
        if shape != wanted:
            why = f"{name} is {list(shape)}, the detectors and rows are {list(wanted)}"
            raise BadInput("the evaluation does not fit together", why, "run Evaluate again")
