"""What a defender does with the rows of a training set.

screening  detectors of poisoned rows, one file each
common     what they share
"""
