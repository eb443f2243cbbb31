"""What runs a definition on this machine."""
