"""What attacks share.

base            what every attack is; how to write one
pool            what an attack works on, what it gives back, and rows within a budget
lesson          what an attacker who runs the victim's training has in hand
recipe          the attacks of a run in their order
trial           what an attack is measured on
trigger         what Evaluate needs to stage the recipe once more
trigger_images  trigger images, laid over images
made            images that are made when they are asked for
rows            how an attack takes its rows
backdoor        what all dirty-label backdoors share
pixels          triggers that change pixel by pixel, as tables
two_classes     what the attacks on a support vector machine share
svm_points      points, each moved up the loss of such a machine
art             what the backdoors of the Adversarial Robustness Toolbox share
audit           what was done, as plain JSON
deeds           what the plain sentences about attacks are made of
references      ids of the taxonomies that an attack is filed under
"""
