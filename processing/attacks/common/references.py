"""Ids of the taxonomies that an attack is filed under.

MITRE ATLAS techniques, the NISTAML ids of NIST AI 100-2 E2025 (March 2025), and OWASP's machine
learning security top ten (2023). OWASP's ML10, model poisoning, is tampering with a model's
parameters and not with its data, so no data poisoning attack claims it.
"""

from __future__ import annotations

ATLAS_POISON = ("MITRE ATLAS", "AML.T0020 Poison Training Data")
ATLAS_POISONED_MODEL = ("MITRE ATLAS", "AML.T0018.000 Poison AI Model")
ATLAS_TRIGGER = ("MITRE ATLAS", "AML.T0043.004 Insert Backdoor Trigger")
NIST_AVAILABILITY = ("NIST AI 100-2", "NISTAML.013 Data Poisoning")
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
