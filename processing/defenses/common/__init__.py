"""What the detectors share.

    base         what a detector is shown and must return; how to write one
    threshold    how high a score has to be
    calibration  scores of which trusted rows, each measured without itself, set the threshold
    flagging     the last step of a threshold
    scale        scores of several classes on one scale
    finite       features that can be counted on
    whitening    features in which clean classes vary alike everywhere
    scatter      how the rows of a class vary, in one pass
    variation    how classes differ, and rows of one class, as two covariances
    halves       two clusters of points, and how well the two are apart
    recorded     what the victim's training saw of suspect rows, and of clean ones beside them
    groups       two groups among points, of which one may be small
    apart        a part of a class that trusted rows avoid, or all of it
    directions   where the gradients of rows point, beside clean rows of their class
    growth       a set of rows that grows by what lies in its direction
    neighbors    which points lie near which, in blocks
    estimators   what fitting with scikit-learn needs: one thread, rows drawn, folds
    classifier   a logistic regression on features
    small_net    a network of a defender's own, of rows that he trusts
    autoencoders  networks that learn to give images back, and how well they do for others
    two_gaussians  scores as a mixture of two normal distributions
    altered_models  a victim asked with some of its layers amplified, or partly left out
    near         pairs of images that are nearly the same
    sketch       few numbers an image, whose distances are never larger than the images'
    spectrum     what stays of an image that is shifted, mirrored or lit otherwise
    forest       which rows to compare, where all with all would be too many

A new detector is a file in `processing/defenses/screening` and nothing else.
"""
