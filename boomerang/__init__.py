"""The floor that every part of Boomerang stands on.

    contract    what a job finds on its disk, with one root that can be moved
    config      how anything that is configured is checked
    settings    what each step is told
    kinds       classes found by their kind: one file each
    manifest    a dataset as a folder that its manifest commits
    blocks      arrays larger than memory, a block at a time
    formats/    the folders that one package writes and another reads
    metrics     the numbers, their names, and the schema of `metrics.json`
    scoring     what answers and scores are worth against the labels
    gate        what is asked of a model, its limits, and its word
    signing/    who says that a folder is what it is
    watching/   an approved model under watch
    safeio/     the only place that opens foreign files and writes in one piece
    digest      content digests
    findings    what a check finds, and where
    errors      the error tree: what, why, what to do; the exit codes in words
    shown       what is shown to people: escaped, on streams whose reader may go away

Needs numpy, pillow and pydantic; must not import TensorFlow, boto3, sagemaker or any other package of this
project.
"""

__version__ = "0.1.0"
