"""What the repairs have in common.

    base       what every one says of itself and does; how to write one
    bench      what it works with
    tuning     further training on the trusted rows
    channels   of convolutions: the batch norm behind one, cutting it, learning without it
    activity   which channels the trusted rows use least, and what is left without them
    lipschitz  how much each channel can amplify

What a method of several repairs needs lies beside them.
"""
