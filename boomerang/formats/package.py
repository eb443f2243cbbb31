"""The files of a model package in the local registry, by name.

package.json     what was registered and where it came from; never changed
model.tar.gz     the model (`boomerang.formats.model`)
metrics.json     what was measured on it
status.json      the approval status with its history: the one file that changes, and which the package's
                 signature does not cover
status.signature.json
                 of status.json, where whoever decided has signed that
"""

from __future__ import annotations

PACKAGE_FILE, STATUS_FILE, STATUS_SIGNATURE = "package.json", "status.json", "status.signature.json"
