"""The renderer of the bundled pictures.

    bodies    what is drawn: ten classes of bodies
    mesh      shapes of triangles, and how they are turned, moved and joined
    camera    where a picture is seen from
    renderer  meshes as pixels, with their light and shadow
    scenes    what lies behind a body, and what a photograph adds
    draws     random numbers that depend on a picture's number alone

A picture is the same bytes for the same numbers, with one version of numpy.
"""
