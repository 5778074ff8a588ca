"""Measures of an image, or of a pair of images, by name."""
