"""Archives as anyone may forge them: every spelling and every place of what would do more than compute."""

from __future__ import annotations

import contextlib
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BadWeights
from bench.torchscript import load

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")

CODE = """\
class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
{fields}  def forward(self: __torch__.Net,
    x: Tensor{arguments}) -> Tensor:
{body}    return x
{rest}"""


class Net(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def records(body: str = "", fields: str = "", arguments: str = "", rest: str = "") -> list[tuple[str, bytes]]:
    """What an export of :class:`Net` holds, with code put in."""
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Net()), buffer)
    with zipfile.ZipFile(buffer) as archive:
        found = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    module = found["data.pkl"].replace(b"__torch__.%s" % __name__.encode(), b"__torch__")
    code = CODE.format(
        body="".join(f"    {line}\n" for line in body.splitlines()) if "\r" not in body else f"    {body}\n",
        fields=fields,
        arguments=arguments,
        rest=rest,
    )
    return [
        ("data.pkl", _renamed(module)),
        ("code/__torch__.py", code.encode()),
        ("constants.pkl", found["constants.pkl"]),
        ("version", found["version"]),
        ("byteorder", b"little"),
    ]


def load_and_run(path: Path) -> None:
    module = load(path)
    module(torch.zeros(3))


def _renamed(data: bytes) -> bytes:
    """The pickle of the module with its class at the top of the code, whatever this file is imported as."""
    start = data.index(b"c__torch__")
    end = data.index(b"\n", data.index(b"\n", start) + 1)
    return data[:start] + b"c__torch__\nNet" + data[end:]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes an archive of records; names may come twice."""

    def write(entries: list[tuple[str, bytes]], name: str = "net.pt") -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            for entry, content in entries:
                info = zipfile.ZipInfo(f"net/{entry}")
                archive.writestr(info, content)
        return path

    return write


def test_the_forged_archives_are_what_torch_loads_and_runs(write: Any, tmp_path: Path) -> None:
    """Without it the tests below would show nothing."""
    target = tmp_path / "control"
    for body in (
        f'torch.save(x, "{target}")',
        f'torch.save\t(x, "{target}")',
        f'ops.aten.save(x, "{target}")',
    ):
        torch.jit.load(str(write(records(body))))(torch.zeros(3))
        assert target.exists()
        target.unlink()
    torch.jit.load(str(write(records(arguments=f', y: Tensor=torch.from_file("{target}", True, 3)'))))
    assert target.exists()
    module = load(write(records("x = torch.add(x, 1)")))
    assert module(torch.zeros(3)).tolist() == [1, 1, 1]


SPELLINGS = [
    'torch.save(x, "{m}")',
    'torch.save (x, "{m}")',
    'torch.save\t(x, "{m}")',
    'torch.save\x0c(x, "{m}")',
    'torch.save\x0b(x, "{m}")',
    'torch . save(x, "{m}")',
    'torch.\\\n      save(x, "{m}")',
    'torch.save\\\n      (x, "{m}")',
    'torch.save(\n      x, "{m}")',
    '(torch).save(x, "{m}")',
    '(torch.save)(x, "{m}")',
    'torch.autograd.save(x, "{m}")',
    'torch.autograd.autograd.save(x, "{m}")',
    'ops.aten.save(x, "{m}")',
    'ops.aten.save (x, "{m}")',
    'ops .aten\t.save(x, "{m}")',
    'ops.aten.autograd.save(x, "{m}")',
    'torch.from_file("{m}", True, 3)',
    'torch.from_file\t("{m}", True, 3)',
    'ops.aten.from_file("{m}", True, 3)',
    'y = "{m}".from_file(True, 3)',
    'y = ("{m}").from_file(True, 3)',
    "y = '{m}'.from_file(True, 3)",
    'y = """{m}""".from_file(True, 3)',
    '_0 = "{m}"\ny = _0.from_file(True, 3)',
    'y = getattr("{m}", "from_file")(True, 3)',
    'y = getattr("{m}", "from" "_file")(True, 3)',
    '_0 = getattr\ny = _0("{m}", "from_file")(True, 3)',
    'getattr(torch, "save")(x, "{m}")',
    'getattr(ops.aten, "save")(x, "{m}")',
    'x.save("{m}")',
    '(x).save("{m}")',
    '_0 = x.save\n_0("{m}")',
    '_0 = torch.save\n_0(x, "{m}")',
    '_0 = torch\n_0.save(x, "{m}")',
    '_0 = ops\n_0.aten.save(x, "{m}")',
    '_0 = ops.aten\n_0.save(x, "{m}")',
    'torch.save(item=x, filename="{m}")',
    'if True:\n  torch.save(x, "{m}")\nelse:\n  pass',
    'for i in range(1):\n  torch.save(x, "{m}")',
    'while True:\n  torch.save(x, "{m}")\n  break',
    'y = [torch.save(x, "{m}") for i in range(1)]',
    'y = [torch.from_file("{m}", True, 3)]',
    'y = {{"a": torch.from_file("{m}", True, 3)}}',
    'y = (torch.from_file("{m}", True, 3), 1)',
    'assert torch.numel(torch.from_file("{m}", True, 3)) > 0',
    'y = torch.add(x, torch.from_file("{m}", True, 3))',
    'y = x if torch.numel(torch.from_file("{m}", True, 3)) > 0 else x',
    'y = torch.from_file("{m}", True, 3)[0:1]',
    'y = -torch.from_file("{m}", True, 3)',
    'y = x[torch.numel(torch.from_file("{m}", True, 3))]',
    'y = fork(torch.save, x, "{m}")',
    'y = awaitable(torch.save, x, "{m}")',
    'y = lambda: torch.save(x, "{m}")',
    'with torch.save(x, "{m}"):\n  pass',
    '"{m}"  # \r    torch.save(x, "{m}")',
    '# type: (Tensor) -> Tensor\ntorch.save(x, "{m}")',
    'torch.\u017fave(x, "{m}")',
    "ops.prim.PythonOp()",
    'ops.prim.rpc_sync("{m}", "{m}")',
    'ops.profiler._record_function_enter("{m}")',
    "ops.inductor._reinterpret_tensor(x, [1], [1], 0)",
    "x = torch.set_(x, x)",
    "y = torch.manual_seed(0)",
    "y = torch.set_grad_enabled(True)",
    "y = __torch__.torch.classes.profiling.InstructionStats()",
    "y = torch.classes",
    "import os",
    'exec("torch.save")\ntorch.save(x, "{m}")',
]


@pytest.mark.parametrize("body", SPELLINGS)
def test_spellings_of_what_does_more_than_compute(write: Any, marker: Path, body: str) -> None:
    path = write(records(body.format(m=marker)))
    with pytest.raises(BadWeights, match="refused") as caught:
        load_and_run(path)
    assert "\n" not in str(caught.value)


PLACES: dict[str, Callable[[str], dict[str, str]]] = {
    "a default": lambda call: {"arguments": f", y: Tensor={call}"},
    "a default of a list": lambda call: {"arguments": f", y: List[Tensor]=[{call}]"},
    "a default in annotate": lambda call: {"arguments": f", y: Tensor=annotate(Tensor, {call})"},
    "a field": lambda call: {"fields": f"  y : Final[int] = torch.numel({call})\n"},
    "a field without type": lambda call: {"fields": f"  y = {call}\n"},
    "a statement of the class": lambda call: {"fields": f"  {call}\n"},
    "a type": lambda call: {"fields": f"  y : Final[{call}] = 1\n"},
    "loading": lambda call: {
        "rest": f"  def __setstate__(self: __torch__.Net, s: int) -> NoneType:\n    y = {call}\n    return None\n"
    },
    "saving": lambda call: {
        "rest": f"  def __getstate__(self: __torch__.Net) -> int:\n    y = {call}\n    return 1\n"
    },
    "a method": lambda call: {
        "body": "y = (self).save(x, )",
        "rest": f"  def save(self: __torch__.Net, x: Tensor) -> Tensor:\n    return {call}\n",
    },
    "a function": lambda call: {
        "body": "y = __torch__.other(x, )",
        "rest": f"def other(x: Tensor) -> Tensor:\n  return {call}\n",
    },
    "a comparison of a class": lambda call: {
        "body": "y = [__torch__.P.__new__(__torch__.P), __torch__.P.__new__(__torch__.P)]\n_0 = torch.sort(y)",
        "rest": "class P:\n  def __lt__(self: __torch__.P, o: __torch__.P) -> bool:\n"
        f"    y = {call}\n    return True\n",
    },
    "an interface": lambda call: {
        "rest": f"class I(ModuleInterface):\n  def forward(self, x: Tensor=\n    {call}) -> Tensor:\n    pass\n"
    },
    "a decorator": lambda call: {"rest": f"@{call}\ndef other(x: Tensor) -> Tensor:\n  return x\n"},
    "a base class": lambda call: {"rest": f"class P({call}):\n  pass\n"},
    "a hook": lambda call: {
        "fields": '  __forward_hooks__ = ["hook", ]\n',
        "rest": f"  def hook(self: __torch__.Net, i: Tuple[Tensor], o: Tensor) -> Tensor:\n    return {call}\n",
    },
}


@pytest.mark.parametrize("place", PLACES)
def test_places_that_code_may_hide_in(write: Any, marker: Path, place: str) -> None:
    path = write(records(**PLACES[place](f'torch.from_file("{marker}", True, 3)')))
    with pytest.raises(BadWeights, match="refused"):
        load_and_run(path)


@pytest.mark.parametrize(
    "names",
    [
        ["code/__torch__.PY"],
        ["code/__torch__.Py"],
        ["CODE/__torch__.py"],
        ["code/__TORCH__.py", "code/__torch__.py"],
        ["code/__torch__.py", "code/__TORCH__.py"],
        ["code/__torch__.py", "code/__torch__.py"],
        ["code/__torch__.py", "code/__torch__.PY"],
        ["code/../__torch__.py"],
        ["code//__torch__.py\\x"],
        ["code/__torch__.pyc"],
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_code_under_other_names(write: Any, marker: Path, names: list[str], order: int) -> None:
    """Python's reader takes the last of two entries, PyTorch's the first, whatever their case."""
    hostile = dict(records(f'torch.save(x, "{marker}")'))["code/__torch__.py"]
    plain = dict(records())
    codes = [hostile, plain.pop("code/__torch__.py")][::order]
    path = write([*plain.items(), *zip(names, codes, strict=False)])
    if order == -1 and len(names) == 1:  # only the plain one is there, under a name that PyTorch may know
        with contextlib.suppress(BadWeights):
            load_and_run(path)
        return
    with pytest.raises(BadWeights):
        load_and_run(path)


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02cposix\nsystem\n.",
        b"\x80\x02cbuiltins\neval\n.",
        b"\x80\x02ctorch\nload\n.",
        b"\x80\x02c__torch__.torch.classes.profiling\nInstructionStats\n)\x81.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
        b"(S'x'\niposix\nsystem\n.",
        b"\x80\x02\x82\x01.",
        b"",
        b"\xff",
        b"(" * 100_000,
    ],
)
@pytest.mark.parametrize("record", ["data.pkl", "constants.pkl"])
def test_pickles_of_an_archive(write: Any, pickled: bytes, record: str) -> None:
    with pytest.raises(BadWeights) as caught:
        load(write([*{**dict(records()), record: pickled}.items()]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"PK\x03\x04PTMF" + b"\0" * 100,
        b"\0\0\0\0PTMF" + b"\0" * 100,
        b"PYTORCH1" + b"\0" * 100,
        b"\x7fELF" + b"\0" * 100,
        b"import os\n",
    ],
)
def test_files_that_are_no_archive(tmp_path: Path, bomb: Any, content: bytes) -> None:
    path = tmp_path / "net.pt"
    for data in (content, content + pickle.dumps(bomb)):
        path.write_bytes(data)
        with pytest.raises(BadWeights):
            load(path)


def test_tensors_that_unpack_to_more_than_memory(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in [*records(), ("data/0", bytes(1 << 24))]:
            archive.writestr(f"net/{entry}", content)
    assert path.stat().st_size < 1 << 16
    with pytest.raises(BadWeights, match="packed tensors"):
        load(path)


def test_code_that_is_nested_without_end(write: Any) -> None:
    for body in (
        "y = " + "(" * 5_000 + "1" + ")" * 5_000,
        "y = " + "-" * 50_000 + "1",
        "y = x" + ".a" * 50_000,
    ):
        with pytest.raises(BadWeights):
            load(write(records(body)))


class Detector(torch.nn.Module):
    """Scores, boxes and the best of them, with branches and loops, as detection heads have."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.BatchNorm2d(8), torch.nn.SiLU(), torch.nn.MaxPool2d(2)
        )
        self.head = torch.nn.Conv2d(8, 5, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
        found = self.head(self.stem(x)).flatten(2).transpose(1, 2)
        scores, order = torch.topk(found[..., 4].sigmoid(), min(5, found.shape[1]), dim=1)
        boxes = torch.gather(found[..., :4], 1, order.unsqueeze(-1).expand(-1, -1, 4)).clamp(min=0.0)
        kept: list[int] = []
        for index in range(boxes.shape[1]):
            if bool((scores[:, index] > 0.05).any()):
                kept.append(index)
        return scores, boxes, kept


class Segmenter(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = torch.nn.ModuleList([torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.Conv2d(8, 8, 3, 2, 1)])
        self.attend = torch.nn.MultiheadAttention(8, 2, batch_first=True)
        self.classify = torch.nn.Conv2d(8, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        size = x.shape[2:]
        for layer in self.down:
            x = torch.nn.functional.gelu(layer(x))
        flat = x.flatten(2).transpose(1, 2)
        attended, _ = self.attend(flat, flat, flat)
        x = attended.transpose(1, 2).reshape(x.shape)
        x = torch.nn.functional.interpolate(self.classify(x), size=size, mode="bilinear", align_corners=False)
        return x.argmax(1)


def flat(result: Any) -> list[Any]:
    return [result] if isinstance(result, torch.Tensor) else [part for each in result for part in flat(each)]


@pytest.mark.parametrize(
    ("make", "export"),
    [
        (Detector, "script"),
        (Detector, "frozen"),
        (Segmenter, "script"),
        (Segmenter, "frozen"),
        (Segmenter, "trace"),
    ],
)
def test_detectors_and_segmenters_are_taken(tmp_path: Path, make: Any, export: str) -> None:
    torch.manual_seed(0)
    network, example = make().eval(), torch.rand(1, 3, 64, 64)
    if export == "trace":
        exported = torch.jit.trace(network, example, check_trace=False, strict=False)
    else:
        exported = torch.jit.script(network)
        exported = torch.jit.freeze(exported) if export == "frozen" else exported
    exported.save(str(tmp_path / "net.pt"))
    loaded = load(tmp_path / "net.pt")
    with torch.no_grad():
        for ours, theirs in zip(flat(loaded(example)[:2]), flat(network(example)[:2]), strict=True):
            assert torch.allclose(ours, theirs)


def test_custom_attributes_survive(tmp_path: Path) -> None:
    class Own(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.multiple = 8
            self.indices = torch.nn.Parameter(
                torch.ones(1)
            )  # the name of an operator that is not on the list

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.indices

    torch.jit.script(Own()).save(str(tmp_path / "net.pt"))
    loaded = load(tmp_path / "net.pt")
    assert loaded.multiple == 8
    assert loaded(torch.ones(2)).tolist() == [1, 1]
