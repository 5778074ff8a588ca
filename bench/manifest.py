"""The manifest: a data set's scenes and ground truth, all that scoring needs of it, so that evidence can be scored
again on a machine that has neither the images nor the networks.
"""

from __future__ import annotations

from typing import Any

from bench.data.base import DataSet

_BOX_FIELDS = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")


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
    if data.detection is not None:
        coco = data.detection.coco
        manifest["image_ids"] = {scene.id: data.detection.image_ids[scene.id] for scene in data.scenes}
        manifest["coco"] = {
            "images": [{"id": image["id"]} for image in coco["images"]],
            "categories": [{"id": c["id"], "name": c["name"]} for c in coco["categories"]],
            "annotations": [
                {field: box[field] for field in _BOX_FIELDS if field in box} for box in coco["annotations"]
            ],
        }
    if data.segmentation is not None:
        manifest["classes"] = list(data.segmentation.classes)
    return manifest
