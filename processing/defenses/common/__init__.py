"""What the detectors share.

    base            what a detector is shown and must return; how to write one
    threshold       how high a score has to be
    scale           scores of several classes on one scale
    ranks           at which rank the nearest trusted row of a row's class comes
    flagging        rows flagged by a threshold that trusted rows set
    altered_models  a victim asked with some of its layers amplified, or partly left out
    whitening       features in which clean classes vary alike everywhere
    scatter         how the rows of a class vary, in one pass
    halves          two clusters of points, and how well the two are apart
    near            pairs of images that are nearly the same
    sketch          few numbers an image, whose distances are never larger than the images'
    forest          which rows to compare, where all with all would be too many

A new detector is a file in `processing/defenses/screening` and nothing else.
"""
