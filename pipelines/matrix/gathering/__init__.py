"""The numbers of a campaign's runs, brought together.

measured  what one run measured
judging   the numbers of a cell over its seeds, and what keeps a reader from trusting them
evidence  what stands beside them: pictures, thresholds
assemble  the matrix
"""
