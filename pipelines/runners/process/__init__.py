"""The process runner."""
