"""What Evaluate and the canary are made of."""
