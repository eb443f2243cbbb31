"""The signing job: `python -m aws.jobs.sign` signs what its inputs hold, in a processing job of its own.

    reads   any inputs: committed folders (with `manifest.json`) and models (`model.tar.gz`), at any depth
    writes  for each input an output of its name: `signature.json`, at the place of what it is of

The jobs that make these have no network and so no KMS; this one has, and reads what they made without
opening any of it but manifests and the card of a model, which names what the model was made from.

Environment: SIGNING_KEY is the ARN or alias of a KMS key, or `local`: then SIGNING_KEY_FILE is a key file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from boomerang.contract import Job, run_step
from boomerang.errors import BadInput, ConfigError
from boomerang.formats.model import ARCHIVE, CARD_FILE
from boomerang.manifest import MANIFEST
from boomerang.safeio import extract_tar, load_json
from boomerang.signing import LocalSigner, Predicate, Signer, sign_folder

KEY, KEY_FILE, LOCAL = "SIGNING_KEY", "SIGNING_KEY_FILE", "local"


def sign(job: Job, signer: Signer) -> None:
    """Sign everything in the inputs of a job.

    Raises
    ------
    BadInput
        If an input holds nothing that can be signed.
    IntegrityError
        If a committed folder is not what its manifest says.
    AwsError
        If KMS does not sign.
    """
    for name in job.inputs:
        folder = job.input(name)
        places = list(_signable(folder))
        if not places:
            raise BadInput(
                f"input '{name}'", f"it has no {MANIFEST} and no {ARCHIVE}", "give what a step made"
            )
        for place in places:
            into = job.output(name) / place.relative_to(folder)
            model = (place / ARCHIVE).is_file() and not (place / MANIFEST).is_file()
            statement = sign_folder(
                place,
                signer,
                _from_card(place / ARCHIVE) if model else None,
                name=name if model else None,
                into=into,
            )
            print(f"signed {statement}", flush=True)


def _signable(folder: Path) -> Iterator[Path]:
    """Yield the folder and those below it that can be signed."""
    for path in (folder, *sorted(path for path in folder.rglob("*") if path.is_dir())):
        if (path / MANIFEST).is_file() or (path / ARCHIVE).is_file():
            yield path


def _from_card(archive: Path) -> Predicate:
    """Return what a model's card says that it was made from, and the digest that others know it by."""
    with tempfile.TemporaryDirectory() as scratch:
        extract_tar(archive, Path(scratch) / "model")
        card: Any = load_json(Path(scratch) / "model" / CARD_FILE)
    match card:
        case {"parents": dict(parents), "weights_sha256": str(weights)}:
            return Predicate(parents=parents, aliases=[weights])
    raise BadInput(f"{archive}", f"its {CARD_FILE} does not say what it was made from", "train it again")


def signer_of(environment: Mapping[str, str]) -> Signer:
    """Return the signer that the environment names.

    Raises
    ------
    ConfigError
        If it names none.
    """
    key = environment.get(KEY, "")
    if not key:
        raise ConfigError(KEY, "it is not set", "give a KMS key's ARN or alias, or `local`")
    if key != LOCAL:
        from aws.jobs.kms import KmsSigner

        return KmsSigner(key)
    if not environment.get(KEY_FILE):
        raise ConfigError(KEY_FILE, "it is not set", "python -m pipelines run --sign KEY.pem")
    return LocalSigner.open(Path(environment[KEY_FILE]))


if __name__ == "__main__":
    run_step(lambda job: sign(job, signer_of(os.environ)))
