"""Signatures: who says that a dataset, a model or a package is what it is, checked without a network.

    keys       public keys, the `Signer` protocol, ECDSA held to one encoding
    key_file   a signer with a key file, and making one
    statement  what is signed: a statement about files, and the bytes that a signer sees of it
    sealing    `signature.json`: a statement with its signature, written and read
    artifacts  signing a folder, or a file, and holding it against its signature
    chain      following signed parents from a model back to the pictures

A signature covers every byte of a folder: its manifest, each file the manifest names, and through the
parents' digests what it was made from. `aws.jobs.kms` signs the same with a key that never leaves KMS.
The format is described in docs/signing.md.

Needs the `cryptography` package, imported inside the functions that use it.
"""

from boomerang.manifest import SIGNATURE
from boomerang.signing.artifacts import sign_file, sign_folder, verify_signed, verify_signed_file
from boomerang.signing.chain import ORIGINS, trace, verify_lineage
from boomerang.signing.key_file import LocalSigner, new_key
from boomerang.signing.keys import PublicKey, Signer
from boomerang.signing.sealing import MAX_SIGNATURE_BYTES, read_statement, seal
from boomerang.signing.statement import Predicate, Statement

__all__ = [
    "MAX_SIGNATURE_BYTES",
    "ORIGINS",
    "SIGNATURE",
    "LocalSigner",
    "Predicate",
    "PublicKey",
    "Signer",
    "Statement",
    "new_key",
    "read_statement",
    "seal",
    "sign_file",
    "sign_folder",
    "trace",
    "verify_lineage",
    "verify_signed",
    "verify_signed_file",
]
