"""The entry points of the machines that make shares.

    evaluate_parts, preprocess_parts, screen_parts  one a step

Three files, so that no step's code gets into another's key of the cache.
"""
