"""What runs in the image and calls AWS.

sign        the signing job
kms         a signer whose key never leaves KMS
canary_job  the canary's job
package     what a package was registered with
publish     what a canary measured, to CloudWatch
"""
