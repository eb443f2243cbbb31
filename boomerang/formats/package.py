"""The files of a model package in the local registry, by name.

package.json     what was registered and where it came from; never changed
model.tar.gz     the model (`boomerang.formats.model`)
metrics.json     what was measured on it
status.json      the approval status with its history: the one file that changes, and is not signed
"""

from __future__ import annotations

PACKAGE_FILE, STATUS_FILE = "package.json", "status.json"
