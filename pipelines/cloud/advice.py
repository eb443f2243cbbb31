"""What to do about a failure that SageMaker reports, where that is known."""

from __future__ import annotations

import re

# In this order: the first that fits. Source: SageMaker Developer Guide, troubleshooting of training and
# processing jobs; "Common errors" of the API Reference.
_KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"ResourceLimitExceeded|service limit|account-level|quota",
        "ask for more of this machine (Service Quotas, Amazon SageMaker), or choose another: "
        "deploy --set jobs.training_instance=... or jobs.processing_instance=...",
    ),
    (
        r"CapacityError|[Ii]nsufficient.?capacity|InsufficientInstanceCapacity",
        "AWS has no such machine free now: run again later, or choose another machine or region",
    ),
    (
        r"MaxWaitTimeExceeded|spot",
        "no spot machine was free in time: raise jobs.spot_wait_s, or set jobs.spot=false",
    ),
    (
        r"MaxRuntimeExceeded|[Mm]ax(imum)?.?[Rr]un.?time",
        "the job ran into its time limit: raise jobs.timeout_s",
    ),
    (
        r"CannotPull|pull.{0,40}image|image.{0,60}(not found|does not exist)|(Repository|Image)NotFound",
        "the image could not be pulled: deploy again, which pushes it; a VPC needs the endpoints ecr.api, "
        "ecr.dkr and S3",
    ),
    (
        r"AccessDenied|not authorized|[Pp]ermission denied.{0,20}s3|no identity-based policy",
        "a role may not do this: deploy again, in case it was changed by hand; if it stays, a policy of the "
        "organization or a permissions boundary forbids it",
    ),
    (
        r"KMS|kms",
        "see that the data key is enabled: the job's role encrypts and decrypts with it",
    ),
    (
        r"No S3 objects found|NoSuchKey|NoSuchBucket|data download",
        "an input is not in the bucket: deploy again, which uploads what is missing",
    ),
    (
        r"InternalServerError|InternalError|internal error",
        "this is AWS's own; run again, steps that ended are taken from the cache",
    ),
    (
        r"AlgorithmError|ExitCode|[Ee]xit code",
        "the step itself stopped and said why; more is in its log",
    ),
)


def advice(reason: str) -> str:
    """Return what to do about a failure reason, or an empty text.

    >>> advice("CapacityError: Unable to provision requested ML compute capacity")
    'AWS has no such machine free now: run again later, or choose another machine or region'
    """
    return next((do for pattern, do in _KNOWN if re.search(pattern, reason)), "")
