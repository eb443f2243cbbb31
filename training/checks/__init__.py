"""What a model tells of a backdoor without the data that it learned from.

All of it works on the form of ours (`training.foreign.adopted`).

mm_bd            MM-BD: how far images of nothing can be driven into each class; needs no data
neural_cleanse   Neural Cleanse: the smallest patch that turns every picture into a class; needs clean rows
weight_spectrum  what the weights alone say: channels of convolutions, columns of the last layer
weighed          all of it together: suspicious, by what, and which class
"""
