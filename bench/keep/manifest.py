"""The manifest: a data set's scenes and ground truth, all that scoring needs of it, so that evidence can be scored
again on a machine that has neither the images nor the networks.

Its hash is the data set's fingerprint, the same whatever is scored. Boxes from an annotation file are part of it. Boxes
that are derived from the scenes' own files (Cityscapes' instances) are not: the scenes' digests stand for them, and
deriving them costs a look at every file, so they are kept beside the manifest once detection is scored.
"""

from __future__ import annotations

from typing import Any

from bench.data.base import DataSet
from bench.hashing import content_key

_BOX_FIELDS = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")

#: Changes whenever other boxes would be derived from the same files.
_DERIVATION = 1


def make_manifest(data: DataSet, digests: dict[str, str]) -> dict[str, Any]:
    """Return the manifest of a data set as JSON values.

    Args:
        data: The data set.
        digests: Scene id to SHA-256 of the scene's files.
    """
    manifest: dict[str, Any] = {
        "name": data.name,
        "kind": data.kind,
        "split": data.split,
        "depth_source": data.depth_source,
        "notes": list(data.notes),
        "scenes": [[scene.id, digests[scene.id]] for scene in data.scenes],
    }
    if tags := {scene.id: dict(scene.tags) for scene in data.scenes if scene.tags}:
        manifest["tags"] = tags
    if data.detection is not None:
        manifest["image_ids"] = {scene.id: data.detection.image_ids[scene.id] for scene in data.scenes}
        if data.detection.derived:
            manifest["boxes"] = {"derived": _DERIVATION}
        else:
            manifest["coco"] = make_boxes(data)
    if data.segmentation is not None:
        manifest["classes"] = list(data.segmentation.classes)
        if data.segmentation.ignored:
            manifest["ignored"] = list(data.segmentation.ignored)
    return manifest


def make_boxes(data: DataSet) -> dict[str, Any]:
    """Return a data set's boxes in COCO's format, without what scoring does not need.

    Raises:
        BadData: If they have to be derived from a file that cannot be read.
    """
    assert data.detection is not None
    coco = data.detection.coco
    return {
        "images": [{"id": image["id"]} for image in coco["images"]],
        "categories": [{"id": c["id"], "name": c["name"]} for c in coco["categories"]],
        "annotations": [
            {field: box[field] for field in _BOX_FIELDS if field in box} for box in coco["annotations"]
        ],
    }


def fingerprint(manifest: dict[str, Any]) -> str:
    """Return the hash that a manifest is filed under."""
    return content_key(manifest)
