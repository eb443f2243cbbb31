"""What is measured in every cell of a matrix, in the order in which it is shown."""

from __future__ import annotations

from pipelines.matrix.document import Quantity

ASR, ACCURACY, ROBUST, DER, FIDELITY = "asr", "accuracy", "robust_accuracy", "der", "fidelity"
TPR, FPR, INNOCENT, LEAST_CLASS = "tpr", "fpr", "innocent", "least_class"
CPU, MEMORY, TRUSTED = "cpu_seconds", "memory", "trusted_rows"
CLEAN_RATE, PSNR, POISONING = "clean_models_rate", "psnr", "poisoning"
RETUNED, FLOOR = "retuned_asr", "retuned_floor"

QUANTITIES = (
    Quantity(
        key=ASR,
        title="ASR",
        words="attack success rate: of the images with the trigger, those given to the attacker's class; "
        "of several attacks in one recipe, those of the one that succeeds most",
        better="low",
        shown=True,
    ),
    Quantity(
        key=ACCURACY,
        title="clean accuracy",
        words="accuracy on the test images",
        better="high",
        shown=True,
    ),
    Quantity(
        key=ROBUST,
        title="robust accuracy",
        words="of the images with the trigger, those given to their own class",
        better="high",
        shown=True,
    ),
    Quantity(
        key=DER,
        title="DER",
        words="defense effectiveness rating (Zhu et al. 2023): 0.5 is no effect, 1 is all of the attack gone "
        "at no cost; against the undefended model",
        unit="",
        better="high",
        shown=True,
    ),
    Quantity(
        key=FIDELITY,
        title="fidelity",
        words="share of the attack's success that is gone, times the share of the accuracy that is left "
        "(as NIST's TrojAI mitigation rounds have it); against the undefended model",
        unit="",
        better="high",
        shown=True,
    ),
    Quantity(
        key=RETUNED,
        title="P-ASR",
        words="attack success rate after the hardened model was tuned again on clean rows with a few of the "
        "attack (the re-tuning test)",
        better="low",
    ),
    Quantity(
        key=FLOOR,
        title="floor of P-ASR",
        words="the same of the model trained before the attack, which never learned the trigger: a P-ASR no "
        "higher than this is no return",
        better="neither",
    ),
    Quantity(
        key=TPR,
        title="TPR",
        words="of the poisoned rows, those that were taken out",
        better="high",
    ),
    Quantity(
        key=FPR,
        title="FPR",
        words="of the clean rows, those that were taken out",
        better="low",
    ),
    Quantity(
        key=INNOCENT,
        title="innocent",
        words="of the rows that were taken out, those that were no poison",
        better="low",
    ),
    Quantity(
        key=LEAST_CLASS,
        title="least class",
        words="rows left of the class that has fewest",
        unit="rows",
        better="high",
    ),
    Quantity(
        key=CLEAN_RATE,
        title="clean model's rate",
        words="of the images with the trigger, those that the model trained before the attack gives to the "
        "attacker's class: what is no higher than this is no success",
        better="neither",
    ),
    Quantity(
        key=PSNR,
        title="PSNR",
        words="how visible the poison is: peak signal-to-noise ratio to the image before, the median over "
        "images of the attack that succeeds most, or where none wants an answer of the one plainest to see; "
        "lower is plainer",
        unit="dB",
        better="neither",
    ),
    Quantity(
        key=POISONING,
        title="poisoning",
        words="CPU-seconds of the step that poisons, with what the attack learns or optimizes",
        unit="s",
        better="neither",
    ),
    Quantity(
        key=CPU,
        title="CPU-seconds",
        words="CPU-seconds of screening and hardening",
        unit="s",
        better="low",
    ),
    Quantity(
        key=MEMORY,
        title="memory",
        words="peak memory of screening and hardening, the larger of the two",
        unit="MB",
        better="low",
    ),
    Quantity(
        key=TRUSTED,
        title="clean rows",
        words="clean rows that the defense was given to learn from or to set its threshold by",
        unit="rows",
        better="low",
    ),
)
