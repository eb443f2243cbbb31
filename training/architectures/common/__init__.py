"""What the architectures have in common."""
