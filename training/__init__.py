"""Steps that work on models: training, and hardening.

    train             the training job
    harden            the hardening job: repairs, and what wraps the model
    given             what either was given, verified
    input_signatures  held against its signatures first
    fit               the training loop
    step              one step of it
    cluster           which processes and devices train together
    checkpoint        from where it goes on
    model             how a model is saved, opened and asked
    labeled           images with their labels
    learning/         what a step is made of: descent, augmentation, precision, the reading of rows
    architectures/    one file a network
    foreign/          a model that somebody brought, in the form of ours
    repair/           one file a repair of a trained model
    inference/        one file a defense at inference: what it wraps is a model like any other
    checks/           what a model tells of a backdoor without its data

May import `boomerang`; never `sagemaker`, `aws`, `pipelines` or `processing`.
"""

import os

# Twice the speed of convolutions on a CPU; TensorFlow alone takes it only on those with AVX-512. It is read
# when TensorFlow is imported, which a step does after this.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
