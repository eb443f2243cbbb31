"""What runs in the image and calls AWS."""
