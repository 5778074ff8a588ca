"""The folder of a reader of the documents: what their commands name, small, made of two scenes of the embedded set.

The names are those of the documents (``coco``, ``Rain100H``, ``dash.mp4``); what is in them is the street's. A weights
file of a published network holds random numbers here: that a command runs is what is tried, not what it prints.
"""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
STREET = ROOT / "bench" / "data" / "street" / "files"
MODELS = ROOT / "downstream" / "models" / "embedded"
SCENES = ("street_000000_000000", "street_000001_000000")
#: What the documents call the authors' files, and the network that each is of.
WEIGHTS = {"prenet_rain100h.pth": "prenet", "rom_rain200l.pth": "rom"}


def build(folder: Path) -> None:
    """Write everything that a page may name into a folder."""
    from bench.images import read_image, read_labels

    clean = [
        read_image(STREET / "leftImg8bit" / "test" / "street" / f"{scene}_leftImg8bit.png")
        for scene in SCENES
    ]
    masks = [
        read_labels(STREET / "gtFine" / "test" / "street" / f"{scene}_gtFine_labelTrainIds.png")
        for scene in SCENES
    ]
    rainy = [_rainy(image) for image in clean]
    _boxes(folder, clean, rainy)
    _cityscapes(folder, clean, rainy)
    _masks(folder, rainy, masks)
    _pairs(folder, clean, rainy)
    _clip(folder / "dash.mp4", rainy)
    _networks(folder)
    _runs(folder)


def _rainy(image: np.ndarray) -> np.ndarray:
    """An image in heavy streaks."""
    from bench.rain import parse_rain

    return parse_rain("streaks:heavy")(image, np.random.default_rng(0))


def _image(path: Path, image: np.ndarray) -> None:
    """Write an image, and the folders that it lies in."""
    from bench.images import write_image

    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, image)


def _text(path: Path, text: str) -> None:
    """Write a file, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _coco(names: list[str]) -> dict[str, Any]:
    """The street's boxes of the scenes, under other file names."""
    whole = json.loads((STREET / "annotations" / "instances_test.json").read_text(encoding="utf-8"))
    images = whole["images"][: len(names)]
    ids = {image["id"] for image in images}
    return {
        "images": [{**image, "file_name": name} for image, name in zip(images, names, strict=True)],
        "annotations": [box for box in whole["annotations"] if box["image_id"] in ids],
        "categories": whole["categories"],
    }


def _boxes(folder: Path, clean: list[np.ndarray], rainy: list[np.ndarray]) -> None:
    """Photos with boxes: ``coco``, ``rainyset``, ``bdd100k``, ``DAWN`` and ``yolo``."""
    names = [f"{number:012d}.png" for number in (139, 285)]
    _text(folder / "coco/annotations/instances_val2017.json", json.dumps(_coco(names)))
    _text(folder / "coco/labels.json", json.dumps(_coco(names)))
    _text(folder / "rainyset/annotations/instances_val2017.json", json.dumps(_coco(names)))
    for name, dry, wet in zip(names, clean, rainy, strict=True):
        _image(folder / "coco/val2017" / name, dry)
        _image(folder / "coco/images" / name, dry)
        _image(folder / "my_renderings" / name, wet)
        _image(folder / "rainyset/val2017" / name, wet)
    height, width = clean[0].shape[:2]
    frames = []
    for name, weather, time, image in (
        ("a.jpg", "rainy", "night", rainy[0]),
        ("b.jpg", "clear", "daytime", clean[1]),
    ):
        _image(folder / "bdd100k/images/100k/val" / name, image)
        box = {"x1": 10, "y1": 10, "x2": width // 2, "y2": height // 2}
        tags = {"weather": weather, "timeofday": time, "scene": "city street"}
        frames.append(
            {"name": name, "attributes": tags, "labels": [{"id": "1", "category": "car", "box2d": box}]}
        )
    _text(folder / "bdd100k/labels/det_20/det_val.json", json.dumps(frames))
    _image(folder / "DAWN/Rain/rain_storm-001.jpg", rainy[0])
    corners = "<xmin>10</xmin><ymin>10</ymin><xmax>90</xmax><ymax>80</ymax>"
    _text(
        folder / "DAWN/Rain/Rain_PASCAL_VOC/rain_storm-001.xml",
        f"<annotation><filename>rain_storm-001.jpg</filename><size><width>{width}</width><height>{height}</height></size>"
        f"<object><name>car</name><difficult>0</difficult><bndbox>{corners}</bndbox></object></annotation>",
    )
    _image(folder / "yolo/images/val/0001.jpg", rainy[0])
    _text(folder / "yolo/labels/val/0001.txt", "1 0.5 0.5 0.2 0.2\n")
    _text(folder / "yolo/data.yaml", "val: images/val\nnames: [person, car]\n")


def _cityscapes(folder: Path, clean: list[np.ndarray], rainy: list[np.ndarray]) -> None:
    """Frames in Cityscapes' layout, renderings of them, and ACDC."""
    for split, city in (("val", "frankfurt"), ("train", "aachen")):
        for number, scene in enumerate(SCENES):
            frame = f"{city}_{number:06d}_000019"
            for kind, ending in (
                ("leftImg8bit", "leftImg8bit"),
                ("gtFine", "gtFine_labelTrainIds"),
                ("gtFine", "gtFine_instanceIds"),
                ("depth", "depth"),
            ):
                target = folder / "cityscapes" / kind / split / city / f"{frame}_{ending}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(STREET / kind / "test" / "street" / f"{scene}_{ending}.png", target)
            name = f"{frame}_leftImg8bit"
            rain = "rain_alpha_0.02_beta_0.01_dropsize_0.005_pattern_3"
            _image(folder / "leftImg8bit_rain" / split / city / f"{name}_{rain}.png", rainy[number])
            _image(folder / "leftImg8bit_foggy" / split / city / f"{name}_foggy_beta_0.02.png", rainy[number])
            inria = folder / "weather_cityscapes/leftImg8bit" / split / "rain/100mm/rainy_image" / city
            _image(inria / f"{name}.png", rainy[number])
    for number, condition in enumerate(("fog", "night", "rain", "snow")):
        place = f"{condition}/val/GOPR040{number}"
        name = f"GOPR040{number}_frame_000298"
        _image(folder / f"acdc/rgb_anon/{place}/{name}_rgb_anon.png", rainy[0])
        target = folder / f"acdc/gt/{place}/{name}_gt_labelTrainIds.png"
        target.parent.mkdir(parents=True)
        shutil.copy(STREET / "gtFine/test/street" / f"{SCENES[0]}_gtFine_labelTrainIds.png", target)


def _masks(folder: Path, rainy: list[np.ndarray], masks: list[np.ndarray]) -> None:
    """Images with masks beside them: ``camvid``, and a clip's frames with boxes and masks."""
    from bench.data.cityscapes_labels import CLASSES

    for name, split in (("camvid", "val"), ("camvid", "train"), ("clip", "frames")):
        for number, (image, mask) in enumerate(zip(rainy, masks, strict=True)):
            _image(folder / name / split / f"{number + 1:06d}.png", image)
            _image(folder / name / f"{split}annot" / f"{number + 1:06d}.png", mask)
        _text(folder / name / "classes.json", json.dumps({"classes": CLASSES}))
    frames = [f"{number:06d}.png" for number in (1, 2)]
    _text(folder / "clip/boxes.json", json.dumps(_coco(frames)))


def _pairs(folder: Path, clean: list[np.ndarray], rainy: list[np.ndarray]) -> None:
    """Rainy and clean images of one scene, and folders of images of one kind."""
    for number, (dry, wet) in enumerate(zip(clean, rainy, strict=True), 1):
        for name in ("Rain100H", "rain100h", "rain100l", "RainTrainH", "rainy"):
            _image(folder / name / f"norain-{number:03d}.png", dry)
            _image(folder / name / f"rain-{number:03d}.png", wet)
        _image(folder / f"Rain200L/test/input/{number}.png", wet)
        _image(folder / f"Rain200L/test/target/{number}.png", dry)
        _image(folder / f"Testing/real_test_1000/rain/{number:03d}.png", wet)
        _image(folder / f"Testing/real_test_1000/gt/{number:03d}gt.png", dry)
        for kind, image in (("rain", wet), ("norain", dry)):
            _image(folder / f"nturain/{kind}/{number:05d}.png", image)
        for name, image in (("real_rain", wet), ("photos", wet), ("held_out", dry)):
            _image(folder / name / f"{number:02d}.png", image)
    _text(folder / "photos/all.json", json.dumps(["01", "02"]))


def _clip(path: Path, frames: list[np.ndarray]) -> None:
    """A video of six frames, two pictures in turn."""
    import av

    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("mpeg4", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        for number in range(6):
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(frames[number % 2], format="rgb24")))
        clip.mux(stream.encode())


def _networks(folder: Path) -> None:
    """Weights' files under the names that the documents give them, and models of one's own."""
    import torch

    from derainers import registry

    torch.manual_seed(0)
    for name, network in WEIGHTS.items():
        entry = registry.get(network)
        home, _, name_of = entry.build.partition(":")
        module = getattr(importlib.import_module(home), name_of)(**entry.config)
        torch.save(module.state_dict(), folder / name)
    for of, config, weights in (
        ("street_seg", "my_config.py", "my.pth"),
        ("street_seg", "cgnet_camvid.py", "cgnet_camvid.pth"),
        ("street_yolox", "my_detector.py", "my_detector.pth"),
    ):
        shutil.copy(MODELS / f"{of}.py", folder / config)
        shutil.copy(MODELS / f"{of}.pth", folder / weights)


def _runs(folder: Path) -> None:
    """Finished runs: ``runs`` of three tasks on the street, ``runs/a`` and ``runs/b`` on pairs, of a derainer each."""
    import bench

    tasks = ["detection", "segmentation", "restoration"]
    rain = ["none", "streaks:medium", "streaks:heavy"]
    bench.run(derainer="guided,rdmc", task=tasks, rain=rain, limit=3, out=folder / "runs")
    for name, derainer in (("a", "rdmc"), ("b", "guided")):
        pairs = f"pairs:{folder / 'rain100h'}"
        bench.run(derainer=derainer, task="restoration", data=pairs, out=folder / "runs" / name)
