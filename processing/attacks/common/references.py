"""Ids of the taxonomies that an attack is filed under.

MITRE ATLAS, the NISTAML ids of NIST AI 100-2 (E2025 is of March 2025), and OWASP's machine learning security
top ten. Their names are those of the versions below; a test holds each entry against the published lists.

OWASP's ML10, model poisoning, is tampering with a model's parameters and not with its data, so no data
poisoning attack claims it. Nor does one claim LLM05:2026, data and model poisoning, of OWASP's top ten for
applications of large language models: what is poisoned here classifies images.
"""

from __future__ import annotations

from collections.abc import Mapping

# The one place that says which version of each list is meant.
VERSIONS = {"MITRE ATLAS": "2026.09", "NIST AI 100-2": "E2025", "OWASP ML": "2023"}

ATLAS_POISON = ("MITRE ATLAS", "AML.T0020 Training Data Poisoning")
ATLAS_POISONED_MODEL = ("MITRE ATLAS", "AML.T0018.000 Poison AI Model")
ATLAS_TRIGGER = ("MITRE ATLAS", "AML.T0043.004 Insert Backdoor Trigger")
NIST_AVAILABILITY = ("NIST AI 100-2", "NISTAML.013 Data Poisoning")
NIST_CLEAN_LABEL = ("NIST AI 100-2", "NISTAML.012 Clean-label Poisoning")
NIST_CLEAN_LABEL_BACKDOOR = ("NIST AI 100-2", "NISTAML.021 Clean-label Backdoor")
NIST_TARGETED = ("NIST AI 100-2", "NISTAML.024 Targeted Poisoning")
NIST_BACKDOOR = ("NIST AI 100-2", "NISTAML.023 Backdoor Poisoning")
OWASP_POISON = ("OWASP ML", "ML02:2023 Data Poisoning Attack")


def references(*entries: tuple[str, str]) -> dict[str, str]:
    """Return one text a taxonomy, its entries joined in the order given.

    >>> references(OWASP_POISON)
    {'OWASP ML': 'ML02:2023 Data Poisoning Attack'}
    """
    joined: dict[str, str] = {}
    for taxonomy, entry in entries:
        joined[taxonomy] = f"{joined[taxonomy]}; {entry}" if taxonomy in joined else entry
    return joined


def cited(found: Mapping[str, str]) -> list[dict[str, str]]:
    """Return each entry by itself, with the version of its list.

    Parameters
    ----------
    found : mapping
        As `references` gives it.

    >>> cited(references(NIST_TARGETED))
    [{'taxonomy': 'NIST AI 100-2', 'version': 'E2025', 'id': 'NISTAML.024', 'name': 'Targeted Poisoning'}]
    """
    return [
        {"taxonomy": taxonomy, "version": VERSIONS[taxonomy], "id": number, "name": name}
        for taxonomy, entries in found.items()
        for number, _, name in (entry.partition(" ") for entry in entries.split("; "))
    ]
