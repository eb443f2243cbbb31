"""What a training job reads, held against its signatures before the first byte of it is used."""

from __future__ import annotations

import base64
import binascii
import os

from boomerang.contract import Job, digest_variable
from boomerang.errors import ConfigError, IntegrityError
from boomerang.signing import SIGNATURE, PublicKey, verify_signed

SUFFIX = "_signature"
# As what each channel is used: a folder that was signed as something else is refused.
KINDS = {
    **{"train": "dataset", "history": "dataset", "validation": "dataset", "screen": "screen"},
    **{"baseline": "model", "victim": "model", "secret": "secret"},
}


def verify_inputs(job: Job, public_key: str) -> None:
    """Hold every input of a training job against its signature, which is the input `NAME_signature`.

    But for what a person staged: that was held against the digest in the definition before the step began
    (`Job.check_staged`).

    Parameters
    ----------
    job : Job
    public_key : str
        Base64 of the DER of the one key that is trusted.

    Raises
    ------
    ConfigError
        If it is no such key.
    IntegrityError
        If an input has no signature, or is not, to the byte, what was signed as what it is used for.
    """
    keys = [_key(public_key)]
    for name in job.inputs:
        if name.endswith(SUFFIX) or digest_variable(name) in os.environ:
            continue
        signature = job.root / "input" / "data" / f"{name}{SUFFIX}" / SIGNATURE
        if not signature.is_file():
            do = "run the pipeline with its signing steps"
            raise IntegrityError(f"input '{name}'", "nobody has signed it", do)
        statement = verify_signed(job.input(name), keys, kind=KINDS.get(name), signature=signature)
        print(f"{name}: {statement}, signed", flush=True)


def _key(text: str) -> PublicKey:
    try:
        der = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ConfigError("'public_key'", f"it is no base64: {error}", "give the DER of the key") from None
    return PublicKey.from_der(der, "the hyperparameter public_key")
