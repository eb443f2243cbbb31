"""What a step of a training is made of.

descent    the optimizer and its rate, the honest loss; what cannot work is refused
augment    how a batch is shifted, mirrored and resized
precision  in which floats it computes, and whether XLA compiles it
reading    the rows of each batch, from memory or through a shuffle of blocks
recording  what is seen of each row on the way
head       a new head on frozen features
climbing   small changes of images by which a model is least sure of them
mirror     a model that answers for an image and its mirror
"""
