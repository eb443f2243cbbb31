"""The local model registry."""
