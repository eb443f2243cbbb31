"""What attacks share.

base            what every attack is; how to write one
suppliers       who delivered the rows, and whose attack it is
pool            what an attack works on, what it gives back, and rows within a budget
lesson          what an attacker who runs the victim's training has in hand
recipe          the attacks of a run in their order
trial           what an attack is measured on
trigger         what Evaluate needs to stage the recipe once more
trigger_images  trigger images, laid over images
made            images that are made when they are asked for
rows            how an attack takes its rows
triggered       what all backdoors share, whatever label their poison has
backdoor        what all dirty-label backdoors share
cover           rows that get the trigger and keep their label
whole           triggers that change the whole image
warp            images warped by a field of offsets
dither          images in few levels
clean_backdoor  what the backdoors share whose poison keeps its right label
gradients       small changes of images along the gradient of a network
proxy           an attacker's own network, trained against small changes
pixels          triggers that change pixel by pixel, as tables
places          such triggers in a fixed place, or on every image in one of its own
patch           a square patch, in a corner or anywhere
clean_label     what targeted clean-label attacks share
crafting        how images are optimized against a model
polytope        what the attacks share that surround a victim's features
two_classes     what the attacks on a support vector machine share
svm_points      points, each moved up the loss of such a machine
art             what the backdoors of the Adversarial Robustness Toolbox share
audit           what was done, as plain JSON
visibility      how visible a change of images is
deeds           what the plain sentences about attacks are made of
references      ids of the taxonomies that an attack is filed under
"""
