from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small networks on few cores: threads that wait for each other cost more than they bring."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def coco_scores():
    """COCO's average precision by pycocotools alone: what ours is held against.

    Takes COCO's ``images``, ``annotations`` and ``categories``, and rows of ``image_id``, ``boxes`` as corners,
    ``scores`` and ``categories``; scores the rows' images. None where no object of a size is there.
    """
    import contextlib
    import io

    import numpy as np
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def coco(content):
        made = COCO()
        made.dataset = {**content, "annotations": [dict(box) for box in content["annotations"]]}
        made.createIndex()
        return made

    def scores(truth, rows):
        results = []
        for row in rows:
            boxes = np.asarray(row["boxes"], np.float64).reshape(-1, 4)
            boxes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()
            found = zip(boxes, np.asarray(row["scores"], np.float64).tolist(), row["categories"], strict=True)
            results += [
                {"image_id": row["image_id"], "bbox": box, "score": score, "category_id": int(category)}
                for box, score, category in found
            ]
        with contextlib.redirect_stdout(io.StringIO()):
            expected = coco(truth)
            detected = expected.loadRes(results) if results else coco({**truth, "annotations": []})
            evaluation = COCOeval(expected, detected, "bbox")
            evaluation.params.imgIds = sorted(row["image_id"] for row in rows)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        names = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
        values = (float(value) for value in evaluation.stats[: len(names)])
        return {name: None if value < 0 else value for name, value in zip(names, values, strict=True)}

    return scores
