"""Steps that work on data: preprocess, poison, screen, evaluate.

May import `boomerang` and `training.model`; never `sagemaker`, `aws` or `pipelines`.
"""
