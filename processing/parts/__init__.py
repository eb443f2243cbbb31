"""The entry points of the machines that make shares.

evaluate_parts, preprocess_parts, screen_parts  one a step, so that no step's code gets into another's key
"""
