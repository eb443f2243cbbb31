"""What touches an account or a container engine: the image, and one thin seam each.

May import `boomerang`; never `sagemaker` or `pipelines`. No step imports it.
"""
