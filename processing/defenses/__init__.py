"""What a defender does with the rows of a training set.

    screening  detectors of poisoned rows, one file each
    common     what they share

A defender never sees the trigger, the truth or the test set.
"""
