"""Weights, ONNX, images and arrays of anyone's: data, which decoders read and nothing runs."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.errors import BadData, BadWeights, BenchError
from bench.images import check_decodable, read_image, read_labels
from bench.weights import load_state

torch = pytest.importorskip("torch")


def _pickle(bomb: Any) -> bytes:
    return pickle.dumps(bomb)


def _saved(bomb: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save({"state_dict": {"a": torch.ones(1)}, "meta": bomb}, buffer)
    return buffer.getvalue()


def _legacy(bomb: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save({"a": bomb}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def _two_data_pkl(bomb: Any) -> bytes:
    """The first entry of the name is plain, the second is not; readers differ in which they take."""
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(1)}, buffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        archive.writestr(name, pickle.dumps(bomb))
    return buffer.getvalue()


def _safetensors(header: bytes, size: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if size is None else size) + header


WEIGHTS: dict[str, Callable[[Any], bytes]] = {
    "a pickle": _pickle,
    "a pickle in an archive": _saved,
    "a pickle of the old format": _legacy,
    "two pickles of one name": _two_data_pkl,
    "eval": lambda bomb: b'cbuiltins\neval\n(S\'open("it-ran","w")\'\ntR.',
    "exec": lambda bomb: b'c__builtin__\nexec\n(S\'open("it-ran","w")\'\ntR.',
    "system": lambda bomb: b"cos\nsystem\n(S'touch it-ran'\ntR.",
    "a class of torch": lambda bomb: b"ctorch\nload\n(S'x'\ntR.",
    "a hub": lambda bomb: b"ctorch.hub\nload\n(S'a/b'\nS'c'\ntR.",
    "a stack global": lambda bomb: b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0ctouch it-ran\x85R.",
    "an instance": lambda bomb: b"(S'touch it-ran'\nios\nsystem\n.",
    "a subprocess": lambda bomb: b"csubprocess\nPopen\n((S'touch'\nS'it-ran'\ntltR.",
    "a chain of attributes": lambda bomb: (
        b"cbuiltins\ngetattr\n(cos\nsystem\nS'__call__'\ntR(S'touch it-ran'\ntR."
    ),
    "an attribute of an inert object": lambda bomb: (
        b"cbuiltins\ngetattr\n(cargparse\nNamespace\nS'__init__'\ntR(S'x'\ntR."
    ),
    "brackets": lambda bomb: b"(" * 100_000 + b".",
    "lists in lists": lambda bomb: b"]" + b"]a" * 100_000 + b".",
    "nothing": lambda bomb: b"",
    "an archive's start": lambda bomb: b"PK\x03\x04",
    "a program": lambda bomb: b"\x7fELF" + b"\0" * 64,
    "TorchScript": lambda bomb: b"PK\x03\x04" + b"\0" * 64 + b"code/__torch__.py",
    "a page": lambda bomb: b"<html>404</html>",
}
HEADERS = {
    "a header that is larger than memory": _safetensors(b"{}", 1 << 62),
    "a header that is larger than the file": _safetensors(b"{}", 1_000),
    "no header": b"",
    "a header that is no JSON": _safetensors(b"{" * 1_000),
    "a tensor beyond the file": _safetensors(b'{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}'),
    "a tensor of a negative size": _safetensors(b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}')
    + b"\0" * 4,
    "a tensor whose size overflows": _safetensors(
        b'{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}}'
    ),
    "tensors that overlap": _safetensors(
        b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}'
    )
    + b"\0" * 6,
    "an unknown type": _safetensors(b'{"a":{"dtype":"PY","shape":[1],"data_offsets":[0,4]}}') + b"\0" * 4,
    "deep nesting": _safetensors(b'{"__metadata__":' + b"[" * 100_000),
    "a list": _safetensors(b"[]"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: Any, bomb: Any, marker: Path, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.pth"
    path.write_bytes(WEIGHTS[name](bomb))
    for trust in (None, "0" * 64):
        with pytest.raises(BadWeights) as caught:
            load_state(path, trust)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", HEADERS)
def test_safetensors_headers(tmp_path: Path, name: str) -> None:
    from derainers import load_derainer

    path = tmp_path / "w.safetensors"
    path.write_bytes(HEADERS[name])
    with pytest.raises(BadWeights) as caught:
        load_state(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(BadWeights):
        load_derainer(f"prenet:{path}")


@pytest.mark.parametrize(
    "config",
    [
        {"__class__": "os.system"},
        {"norm": "x.py:Norm"},
        {"width": 10**9},
        {"width": -1},
        {"width": "__import__('os')"},
        {"recursions": 10**9},
    ],
)
def test_a_configuration_in_weights_is_arguments_alone(tmp_path: Path, config: dict[str, Any]) -> None:
    """It is of the file's author's choosing, and may name no code and take no memory that the weights do not have."""
    from safetensors.torch import save_file

    from derainers import load_derainer

    path = tmp_path / "w.safetensors"
    save_file({"a": torch.ones(1)}, path, {"config": json.dumps(config)})
    with pytest.raises(BenchError) as caught:
        load_derainer(f"rdmc:{path}")
    assert "\n" not in str(caught.value)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, bits: int, kind: int, pixels: bytes, *more: bytes) -> bytes:
    """A PNG with rows of ``pixels``, each with its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            *more,
            _chunk(b"IDAT", zlib.compress(pixels)),
            _chunk(b"IEND", b""),
        )
    )


def _jpeg(width: int, height: int) -> bytes:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + b"\1\x22\0\2\x11\1\3\x11\1"
    return b"\xff\xd8" + frame + b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0" + b"\0" * 64 + b"\xff\xd9"


IMAGES = {
    "a PNG of 30,000 x 30,000": png(30_000, 30_000, 8, 2, b"\0" * 100),
    "a PNG of 1 x 4 billion": png(1, (1 << 31) - 1, 8, 2, b"\0" * 100),
    "a JPEG of 65,000 x 65,000": _jpeg(65_000, 65_000),
    "a BMP of 60,000 x 60,000": b"BM"
    + struct.pack("<IHHI", 100, 0, 0, 54)
    + struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0)
    + b"\0" * 64,
    "a PPM of 60,000 x 60,000": b"P6\n60000 60000\n255\n" + b"\0" * 64,
    "a TIFF of 60,000 x 60,000": b"II*\0\x08\0\0\0\x04\0"
    + struct.pack("<HHII", 256, 4, 1, 60_000)
    + struct.pack("<HHII", 257, 4, 1, 60_000)
    + struct.pack("<HHII", 259, 3, 1, 1)
    + struct.pack("<HHII", 262, 3, 1, 1)
    + b"\0" * 64,
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>open("it-ran")</script></svg>',
    "a PostScript": b"%!PS\n(it-ran) (w) file closefile\n",
    "an EPS header": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(it-ran) (w) file\n",
    "an ImageMagick script": b"push graphic-context\nimage over 0,0 0,0 'msl:it-ran'\npop graphic-context\n",
    "an array": b"\x93NUMPY\x01\0v\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    "a pickle": pickle.dumps(["x"]),
    "nothing": b"",
    "a PNG's start": b"\x89PNG\r\n\x1a\n",
    "a PNG without pixels": b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    + _chunk(b"IEND", b""),
    "a PNG of no size": png(0, 0, 8, 2, b""),
    "a text": b"P3\n# comment\n",
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_images_are_refused_in_one_line(tmp_path: Path, monkeypatch: Any, name: str, ending: str) -> None:
    import resource

    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"x{ending}"
    path.write_bytes(IMAGES[name])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for read in (read_image, read_labels, lambda p: check_decodable(p, p.read_bytes())):
        with pytest.raises(BadData) as caught:
            read(path)
        assert "\n" not in str(caught.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20, "a gigabyte was taken"


def test_the_limit_of_pixels_can_be_raised(tmp_path: Path, monkeypatch: Any) -> None:
    from bench import image_headers

    path = tmp_path / "x.png"
    path.write_bytes(png(4, 4, 8, 0, b"\0\1\2\3\4" * 4))
    monkeypatch.setattr(image_headers, "MOST_PIXELS", 15)
    with pytest.raises(BadData, match=r"4 x 4, more than the 15 pixels.*set DERAIN_BENCH_MAX_PIXELS"):
        read_labels(path)
    monkeypatch.setenv("DERAIN_BENCH_MAX_PIXELS", "16")
    assert read_labels(path).tolist()[0] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("bits", "row", "indices"),
    [
        (1, b"\0\x50", [0, 1, 0, 1]),
        (2, b"\0\x1b", [0, 1, 2, 3]),
        (4, b"\0\x01\x7f", [0, 1, 7, 15]),
        (8, b"\0\0\1\2\xff", [0, 1, 2, 255]),
    ],
)
def test_label_images_of_few_bits_hold_indices(
    tmp_path: Path, bits: int, row: bytes, indices: list[int]
) -> None:
    """Decoders stretch them: the index 1 of one bit becomes 255, which is left out of scoring."""
    path = tmp_path / "x.png"
    path.write_bytes(png(4, 1, bits, 0, row))
    assert read_labels(path).tolist() == [indices]
    palette = _chunk(
        b"PLTE",
        bytes(range(3 * (1 << min(bits, 8)) % 256 or 255))[: 3 * (1 << bits)] if bits < 8 else bytes(768),
    )
    path.write_bytes(png(4, 1, bits, 3, row, palette))
    assert read_labels(path).tolist() == [indices]


def test_an_index_image_that_was_saved_as_colours(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    grey = b"\0" + b"".join(bytes([i] * 3) for i in (0, 1, 7, 255))
    path.write_bytes(png(4, 1, 8, 2, grey))
    assert read_labels(path).tolist() == [[0, 1, 7, 255]]
    path.write_bytes(png(4, 1, 8, 2, b"\0" + b"".join(bytes([i, 0, 0]) for i in (0, 1, 7, 255))))
    with pytest.raises(BadData, match="has 3 channels"):
        read_labels(path)


def test_arrays_are_read_without_pickle(tmp_path: Path, bomb: Any) -> None:
    from bench.data.stereo import _load_array

    path = tmp_path / "depth.npy"
    np.save(path, np.array([bomb], object), allow_pickle=True)
    with pytest.raises(BadData):
        _load_array(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", pickle.dumps(bomb))
    with pytest.raises(BadData):
        _load_array(path)
    path.write_bytes(pickle.dumps(bomb))
    with pytest.raises(BadData):
        _load_array(path)


def _onnx(*nodes: Any, outputs: str = "clean", initializers: tuple[Any, ...] = (), **options: Any) -> bytes:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    shape = ["batch", 3, "height", "width"]
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info("rainy", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(outputs, TensorProto.FLOAT, shape)],
        list(initializers),
    )
    del onnx
    return helper.make_model(graph, ir_version=8, **options).SerializeToString()


def _external(location: str) -> bytes:
    pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    tensor.external_data.add(key="length", value="4")
    return _onnx(
        helper.make_node("Add", ["rainy", "w"], ["clean"]),
        initializers=(tensor,),
        opset_imports=[helper.make_opsetid("", 17)],
    )


def _custom(domain: str, kind: str) -> bytes:
    pytest.importorskip("onnx")
    from onnx import helper

    return _onnx(
        helper.make_node(
            kind, ["rainy"], ["clean"], domain=domain, func_module="os", func_name="system", library="x.so"
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)],
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: _external("../secret"),
        lambda: _external("/etc/hostname"),
        lambda: _external("sub/../../secret"),
        lambda: _external("absent"),
        lambda: _custom("ai.onnx.contrib", "PyOp"),
        lambda: _custom("com.microsoft", "PythonOp"),
        lambda: _custom("org.pytorch.aten", "ATen"),
        lambda: _custom("mine", "System"),
        lambda: _custom("", "PyFunc"),
        lambda: b"\x08\x08" + b"\xff" * 100,
        lambda: b"\x80\x04\x95.",
        lambda: b"",
    ],
)
def test_onnx_files_that_reach_for_more(tmp_path: Path, make: Callable[[], bytes]) -> None:
    pytest.importorskip("onnxruntime")
    from derainers import load_derainer

    (tmp_path / "secret").write_bytes(b"\0\0\x80\x3f")
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "net.onnx").write_bytes(make())
    with pytest.raises(BadWeights) as caught:
        load_derainer(f"onnx:{folder / 'net.onnx'}")
    assert "\n" not in str(caught.value)


def test_names_in_an_annotation_file_stay_in_their_folder(tmp_path: Path) -> None:
    from bench.data.coco import open_coco

    (tmp_path / "annotations").mkdir()
    (tmp_path / "val").mkdir()
    os.link(__file__, tmp_path / "outside.jpg") if hasattr(os, "link") else None
    for name in (
        "../outside.jpg",
        "/etc/passwd",
        "a/../../outside.jpg",
        "C:\\x.jpg",
        "..\\outside.jpg",
        "a\0b",
        "",
    ):
        content = {
            "images": [{"id": 1, "file_name": name, "height": 4, "width": 4}],
            "annotations": [],
            "categories": [{"id": 1, "name": "a"}],
        }
        (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(content))
        with pytest.raises(BadData) as caught:
            open_coco(tmp_path, "val")
        assert "\n" not in str(caught.value)
