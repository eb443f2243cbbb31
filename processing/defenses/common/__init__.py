"""What the detectors share.

    base       what a detector is shown and must return; how to write one
    threshold  how high a score has to be
    scale      scores of several classes on one scale
    whitening  features in which clean classes vary alike everywhere
    near       pairs of images that are nearly the same

A new detector is a file in `processing/defenses/screening` and nothing else.
"""
