"""What touches an account or a container engine, one thin seam each.

    client      the seam over boto3 for the jobs
    account     what the person who deploys asks
    stack/      the CloudFormation stack
    jobs/       what runs in the image and calls AWS
    image/      the image that every job runs in
    fetched     data in S3, brought here once
    upload      objects in the data bucket, named by their content
    approval    what a person decides on a package of SageMaker's registry
    alarms/     alarms read, checked and played without an account
    dashboard/  the dashboard's body
    reject/     the Lambda that takes a degraded model out of service
    prices      what machines cost
    check/      the stack held against all that can be known of it offline

May import `boomerang`; never `sagemaker` or `pipelines`. No other step imports it than the two that call
AWS themselves, `aws.jobs.sign` and `aws.jobs.canary_job`, which run in the image like all jobs.
"""
