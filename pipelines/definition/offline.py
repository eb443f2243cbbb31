"""How the SageMaker SDK is used without an account, a network, or its chatter."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEFAULTS = str(Path(__file__).with_name("sagemaker.yaml"))

# The SDK asks for a region and for credentials while it is imported, checks roles against IAM, sends
# telemetry, and takes defaults (networks, keys, tags) from files of the machine: none of it belongs in a
# definition. Keys that open nothing are found first, so that nobody is asked for others: neither a program
# that a profile names, nor the addresses where a machine on AWS has its own.
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_DEFAULT_REGION": "us-east-1",
    "SAGEMAKER_VALIDATE_ROLE": "false",
    "SAGEMAKER_USER_CONFIG_OVERRIDE": _DEFAULTS,
    "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": _DEFAULTS,
}
_UNWANTED = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_CREDENTIAL_EXPIRATION"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    *("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    "PYTHONPATH",  # Debian's docker-compose is a Python program: what we import is not for it
)


@contextmanager
def offline() -> Iterator[None]:
    """Import or use the SDK quietly; the process' environment and logging are as before afterwards."""
    before = dict(os.environ)
    root, handlers, level = logging.root, list(logging.root.handlers), logging.root.level
    disabled = root.manager.disable
    os.environ.update(_ENVIRONMENT)
    for name in _UNWANTED:
        os.environ.pop(name, None)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:], root.level = handlers, level
        os.environ.clear()
        os.environ.update(before)
