"""The laboratory: a page in which GANs of points train."""
