"""The floor that every part of Boomerang stands on.

Contract, manifest, metrics, config, safe loading, errors and digests. Needs numpy, pillow and
pydantic; must not import TensorFlow, boto3, sagemaker or any other package of this project.
"""

__version__ = "0.1.0"
