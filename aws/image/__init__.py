"""The image that every job runs in; what it is built from lies in `container/`.

image   packed, built, and found by its digest
docker  the `docker` command
sbom    what is in it, written down while it is built
ecr     the image in the account's registry
"""
