"""The image that every job runs in; what it is built from lies in `container/`.

image   packed, built, and found by its digest
docker  the `docker` command
ecr     the image in the account's registry
"""
