"""The local-mode runner."""
