"""What a step of a training is made of, and what repairs and defenses at inference do to a network.

descent    the optimizer and its rate, the honest loss; what cannot work is refused
augment    how a batch is shifted, mirrored and resized
precision  in which floats it computes, and whether XLA compiles it
reading    the rows of each batch, from memory or through a shuffle of blocks
recording  what is seen of each row on the way
head       a new head on frozen features
climbing   small changes of images by which a model is least sure of them
channels   of convolutions: the batch norm behind one, cutting it, learning without it
activity   which channels the trusted rows use least, and what is left without them
mirror     a model that answers for an image and its mirror
"""
