"""Names that everybody shares, each said once; DESIGN's vocabulary as values."""

from __future__ import annotations

#: The model on the clean scenes, and on the rainy ones as they are: the two reference rows.
CLEAN, NONE = "clean", "none"
REFERENCES = (CLEAN, NONE)

#: The rain of a dry day, and of data that brings its own.
DRY, OWN = "none", "own"

#: What a derainer's score is stated against: a share of what the rain took, what it does to clean scenes, and the
#: difference to the rainy image, where that is all that is known.
RECOVERY, HARM, GAIN = "recovery", "harm", "gain"

#: What is asked of a restored image, in the words of the command line; one module of `downstream.tasks` each.
DETECTION, INSTANCES, SEGMENTATION = "detection", "instances", "segmentation"
RESTORATION, QUALITY = "restoration", "quality"

#: What a data set may have of a scene, beside an image to look at. A task says which of them it needs.
CLEAN_IMAGES, BOXES, OUTLINES, MASKS, DEPTH = "clean images", "boxes", "outlines", "masks", "depth"

#: Files that networks are exported to, derainers and models alike, as they are named before a colon.
EXPORTED = ("onnx", "torchscript")

#: What stands before the colon of an object that a script handed over.
OBJECT = "object"
