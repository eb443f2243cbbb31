"""What the detectors share."""
