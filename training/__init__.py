"""Steps that work on models: architectures, training, repair.

May import `boomerang`; never `sagemaker`, `aws`, `pipelines` or `processing`.
"""
