"""A model that somebody brought, in the form of ours.

adopted   laid flat, with the layers that all of ours have
fed       what it takes, made of the images of the data: size, channels, scale
brought   the file: opened, fitted to the data, its network with weights drawn anew
taken     the training job that trains nothing: the model is taken as it is
"""
