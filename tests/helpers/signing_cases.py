"""A tiny chain of signed things: pictures, the dataset made of them, a model trained on it, its package.

`python tests/helpers/signing_cases.py FOLDER` writes it with a key that is thrown away: this is how a new
version of tests/fixtures/signed is made, once for each version of the format. Old ones are kept.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from boomerang.digest import sha256_file
from boomerang.manifest import Dataset, Manifest, commit, committing, write_dataset
from boomerang.signing import LocalSigner, Predicate, PublicKey, Signer, new_key, sign_folder

CLASSES = ("bird", "airplane")
CONFIG = "c0" * 32
WEIGHTS = "ea" * 32


@dataclass(frozen=True)
class Key:
    """A fresh key: who signs with it, and its public half."""

    signer: LocalSigner
    public: PublicKey


def fresh_key(folder: Path, name: str = "key.pem") -> Key:
    """Make a key in a file and open it again."""
    public = new_key(folder / name)
    return Key(LocalSigner.open(folder / name), public)


def make_pictures(path: Path, shade: int = 0) -> Manifest:
    """Commit a folder with one picture."""
    with committing(path) as scratch:
        Image.new("RGB", (2, 2), (shade, 128, 255)).save(scratch / "boomerang.png")
        return commit(scratch, Manifest(name="boomerangs", kind="pictures", classes=CLASSES))


def make_dataset(path: Path, parents: dict[str, str] | None = None, seed: int = 0, rows: int = 3) -> Dataset:
    """Commit a dataset of 2x2 images."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 256, (rows, 2, 2, 3), np.uint8), rng.integers(0, 2, rows)
    recipe = {"rows": rows}
    return write_dataset(path, x, y, name="tiny", classes=CLASSES, parents=parents, recipe=recipe, seed=seed)


def make_model(path: Path, weights: bytes = b"weights") -> str:
    """Write a `model.tar.gz` that stands for a model, and return its digest."""
    path.mkdir(parents=True, exist_ok=True)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, data in (("model.keras", weights), ("card.json", b"{}\n")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    (path / "model.tar.gz").write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return sha256_file(path / "model.tar.gz")


def make_package(path: Path, model: Path) -> None:
    """Write a version of a registry: what it is, the model, and a status that may change."""
    path.mkdir(parents=True)
    (path / "model.tar.gz").write_bytes((model / "model.tar.gz").read_bytes())
    (path / "package.json").write_text(json.dumps({"format": 1, "group": "planes", "version": 1}) + "\n")
    (path / "status.json").write_text('[{"status": "PendingManualApproval"}]\n')


def make_chain(root: Path, signer: Signer) -> None:
    """Write `pictures`, `dataset`, `model` and `package`, each signed and made from the one before."""
    pictures = make_pictures(root / "pictures")
    dataset = make_dataset(root / "dataset", {"pictures": pictures.digest})
    make_model(root / "model")
    make_package(root / "package", root / "model")
    sign_folder(root / "pictures", signer)
    sign_folder(root / "dataset", signer, Predicate(config=CONFIG))
    trained = Predicate(parents={"train": dataset.manifest.digest}, aliases=[WEIGHTS], config=CONFIG)
    sign_folder(root / "model", signer, trained, name="victim")
    sign_folder(root / "package", signer, name="planes/1")


def main(root: Path) -> None:
    """Write the chain and the public key of a key that nobody keeps."""
    with tempfile.TemporaryDirectory() as scratch:
        key = fresh_key(Path(scratch))
        make_chain(root, key.signer)
        key.public.write(root / "key.pub.pem")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
