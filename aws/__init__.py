"""What touches an account or a container engine: the image, and one thin seam each.

May import `boomerang`; never `sagemaker` or `pipelines`. No other step imports it than the two that call
AWS themselves, `aws.jobs.sign` and `aws.jobs.canary_job`, which run in the image like all jobs.
"""
