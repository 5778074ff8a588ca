from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from bench.data import open_data
from bench.data.fingerprint import file_digest
from bench.data.layout import image_size
from bench.data.preflight import check_scenes
from bench.errors import BadData
from bench.hashing import sha256_file
from bench.image_metadata import DEEP, PROFILE, TURNED, notes_on, oddities, oddities_of
from bench.images import read_image

ORIENTATION = 0x0112


def picture() -> np.ndarray:
    """A corner in red, so that every way of turning is told from every other."""
    image = np.full((24, 40, 3), 90, np.uint8)
    image[:6, :8] = (255, 0, 0)
    image[:3, 20:] = (0, 0, 255)
    return image


def save(path: Path, orientation: int | None = None, **options: Any) -> Path:
    if orientation is not None and path.suffix == ".tiff":
        options["tiffinfo"] = {ORIENTATION: orientation}
    elif orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    Image.fromarray(picture()).save(path, **options)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_images_are_upright_as_mmdetection_and_pillow_have_them(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    mmcv = pytest.importorskip("mmcv")
    options = {"lossless": True} if suffix == ".webp" else {"quality": 100} if suffix == ".jpg" else {}
    path = save(tmp_path / f"a{suffix}", orientation, **options)
    ours = read_image(path)
    np.testing.assert_array_equal(ours, mmcv.imread(str(path), channel_order="rgb"))
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.abs(ours.astype(int) - upright).max() <= (40 if suffix == ".jpg" else 0)
    assert image_size(path) == ours.shape[:2]
    if suffix != ".tiff":  # which were always turned
        assert (TURNED in oddities_of(path)) == (orientation != 1)
        assert (file_digest(path) == sha256_file(path)) == (orientation == 1)


def coco(root: Path, orientation: int, size: tuple[int, int]) -> Any:
    (root / "annotations").mkdir(parents=True)
    (root / "val").mkdir()
    save(root / "val" / "a.jpg", orientation)
    height, width = size
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": height, "width": width}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4]}],
        "categories": [{"id": 1, "name": "car"}],
    }
    (root / "annotations" / "instances_val.json").write_text(json.dumps(content))
    return open_data(f"coco:{root}")


def test_annotations_of_the_upright_image_fit(tmp_path: Path) -> None:
    data = coco(tmp_path / "upright", 6, (40, 24))
    assert check_scenes(data)[1] == ("1 image has an EXIF orientation: turned upright, as by MMDetection",)
    assert data.clean(data.scenes[0]).shape == (40, 24, 3)


def test_annotations_of_the_lying_image_are_told(tmp_path: Path) -> None:
    data = coco(tmp_path / "lying", 6, (24, 40))
    with pytest.raises(
        BadData, match="is 24x40, but its annotation says 40x24: its EXIF orientation turns it"
    ):
        check_scenes(data)
    data = coco(tmp_path / "plain", 1, (40, 24))
    with pytest.raises(BadData, match="do not belong together"):
        check_scenes(data)


def profile(name: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


def test_profiles_gamma_and_depth_are_seen(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    other = save(tmp_path / "lab.jpg", icc_profile=profile("LAB"))
    own = save(tmp_path / "srgb.jpg", icc_profile=profile("sRGB"))
    assert (oddities_of(other), oddities_of(own)) == ({PROFILE}, frozenset())
    assert oddities_of(save(tmp_path / "lab.png", icc_profile=profile("LAB"))) == {PROFILE}
    for gamma, found in ((100000, {PROFILE}), (45455, set())):
        info = PngInfo()
        info.add(b"gAMA", gamma.to_bytes(4, "big"))
        assert oddities_of(save(tmp_path / "gamma.png", pnginfo=info)) == found
    import cv2

    deep = np.full((4, 4, 3), 100 * 256 + 200, np.uint16)
    (tmp_path / "deep.png").write_bytes(cv2.imencode(".png", deep)[1].tobytes())
    assert oddities_of(tmp_path / "deep.png") == {DEEP}
    assert (read_image(tmp_path / "deep.png") == 100).all()
    (tmp_path / "grey.png").write_bytes(cv2.imencode(".png", deep[..., 0])[1].tobytes())
    assert oddities_of(tmp_path / "grey.png") == frozenset()  # depth and labels have 16 bits by right


def test_what_is_counted_and_what_is_damaged() -> None:
    assert notes_on([frozenset({TURNED}), frozenset({TURNED, DEEP}), frozenset()])[0].startswith(
        "2 images have an EXIF"
    )
    assert notes_on([frozenset()]) == ()
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.fromarray(picture()).save(buffer, "JPEG", exif=exif)
    data = buffer.getvalue()
    at = data.index(b"Exif")
    for cut in (data[: at + 8], data.replace(b"Exif\0\0MM", b"Exif\0\0XX"), b"Exif\0\0", b""):
        assert oddities(cut) <= {TURNED}
