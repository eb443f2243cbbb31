"""The definition of a campaign entry's pipeline.

build       drawn, or taken as it was drawn before
cell_steps  where the cells of a campaign are in it
kept        definitions kept, each with a code that only this user can make
user_key    the key of that code
sdk/        drawing it, the only importer of `sagemaker` beside local mode
offline     the SDK without an account, a network, or its chatter
machines    what is known of SageMaker's instance types
"""
