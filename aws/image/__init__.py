"""The image that every job runs in."""
