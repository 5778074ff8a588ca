"""TorchScript that would do more than compute is refused before any of it runs; that of networks is not."""

from __future__ import annotations

import zipfile

import pytest

from bench.errors import BadWeights
from bench.torchscript import load

torch = pytest.importorskip("torch")


class Doubling(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2.0


class Wordy(torch.nn.Module):
    """What scripted networks write: text for modes, refusals, dictionaries, loops, sorting."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect")
        self.act = torch.nn.GELU(approximate="tanh")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 4:
            raise ValueError(f"an image batch has four dimensions, not {x.dim()}")
        seen = {"x": x, "conv": self.act(self.conv(x))}
        for name in seen:
            x = x + seen[name]
        spectrum = torch.fft.rfft2(x, norm="backward")
        x = torch.fft.irfft2(spectrum, s=(x.shape[2], x.shape[3]), norm="backward")
        half = torch.nn.functional.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
        ranks = torch.sort(half.flatten(1), dim=1)[0]
        print_free = torch.einsum("bi,bi->b", ranks, ranks)
        return x + torch.div(print_free, 2.0, rounding_mode="floor")[:, None, None, None]


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.pt"
    torch.jit.script(Doubling()).save(str(path))
    return path


def rewritten(path, change, extra=()):
    """The archive with each entry passed through ``change(name, content)``, and entries added."""
    target = path.with_name(f"re-{path.name}")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            for kept in change(name, old.read(name)):
                new.writestr(*kept)
        for name, content in extra:
            new.writestr(name, content)
    return target


def with_body(path, *lines):
    """The archive whose ``forward`` holds some lines, and whose ``__setstate__`` too: that one runs on loading."""

    def change(name, content):
        if "/code/" not in name or not name.endswith(".py"):
            return [(name, content)]
        head = content.decode().partition("  def forward")[0]
        body = "".join(f"    {line}\n" for line in lines)
        forward = f"  def forward(self: {TYPE},\n    x: Tensor) -> Tensor:\n{body}    return x\n"
        return [(name, (head + forward).encode())]

    with zipfile.ZipFile(path) as archive:
        source = next(n for n in archive.namelist() if n.endswith(".py") and "/code/" in n)
        inner = source.partition("/code/")[2].removesuffix(".py").replace("/", ".")
    TYPE = f"{inner}.Doubling"
    return rewritten(path, change)


@pytest.mark.parametrize(
    "lines",
    [
        ("_0 = torch.save(x, MARK)",),
        ("_0 = torch.save (x, MARK)",),
        ("_0 = torch.save\t(x, MARK)",),
        ("_0 = torch . save(x, MARK)",),
        ("_0 = ops.aten.save(x, MARK)",),
        ("_0 = (torch.save)(x, MARK)",),
        ("_0 = x.save(MARK)",),
        ('_0 = getattr(x, "save")(MARK)',),
        ("f = torch.save", "_0 = f(x, MARK)"),
        ("len = torch.save", "_0 = len(x, MARK)"),
        ("len = x.save", "_0 = len(MARK)"),
        ("t = torch", "_0 = t.save(x, MARK)"),
        ("_0 = torch.from_file(MARK, True, 3)",),
        ("_0 = torch.from_file\t(MARK, True, 3)",),
        ("_0 = ops.aten.from_file(MARK, True, 3)",),
        ("_0 = ops.prim.Print(MARK)",),
        ("_0 = ops.inductor._mm_plus_mm(x, x, x, x)",),
        ("_0 = [torch.save(x, MARK) for _1 in [1]]",),
        ("if bool(1):", "  _0 = torch.save(x, MARK)"),
        ("#\x0b", "_0 = 1"),
        ("# caf\xe9",),
    ],
)
def test_whatever_could_reach_a_file_is_refused(plain, tmp_path, lines):
    mark = tmp_path / "mark"
    path = with_body(plain, *(line.replace("MARK", f'"{mark}"') for line in lines))
    with pytest.raises(BadWeights, match="refused") as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert not mark.exists()


def test_the_same_file_with_arithmetic_instead_is_taken(plain):
    """So the refusals above are of what the lines call, and not of how the files were made."""
    module = load(with_body(plain, "_0 = torch.add(x, x)", "x = torch.mul(x, 3)"))
    assert torch.equal(module(torch.ones(1)), torch.full((1,), 3.0))


class Waking(torch.nn.Module):
    """Runs as it is loaded."""

    def __init__(self, mark: str) -> None:
        super().__init__()
        self.mark = mark

    @torch.jit.export
    def __getstate__(self):
        return (self.mark, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.mark = state[0]
        self.training = state[1]
        torch.save(torch.ones(1), self.mark)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_what_runs_on_loading_does_not_run(tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "waking.pt"
    try:
        torch.jit.script(Waking(str(mark))).save(str(path))
    except Exception as error:
        pytest.skip(f"this PyTorch does not export it: {str(error).splitlines()[0]}")
    mark.unlink(missing_ok=True)
    with pytest.raises(BadWeights, match="save"):
        load(path)
    assert not mark.exists()


def test_code_hidden_by_the_case_of_its_name_or_by_a_second_entry(plain, tmp_path):
    mark = tmp_path / "mark"
    evil = with_body(plain, f'_0 = torch.save(x, "{mark}")')
    with zipfile.ZipFile(evil) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".py"))
        content = archive.read(name)
    upper = rewritten(evil, lambda n, c: [(n.replace("/code/", "/CODE/").replace(".py", ".PY"), c)])
    with pytest.raises(BadWeights, match="refused"):
        load(upper)
    for other in (name, name.upper().replace(name.partition("/")[0].upper(), name.partition("/")[0])):
        with pytest.warns() if other == name else _nothing():
            doubled = rewritten(plain, lambda n, c: [(n, c)], extra=[(other, content)])
        with pytest.raises(BadWeights, match="two entries"):
            load(doubled)
    old = rewritten(plain, lambda n, c: [(n, c)], extra=[(name.partition("/")[0] + "/model.json", b"{}")])
    with pytest.raises(BadWeights, match="not a TorchScript"):
        load(old)


def _nothing():
    import contextlib

    return contextlib.nullcontext()


def test_a_class_of_cpp_in_a_pickle(plain):
    path = rewritten(
        plain, lambda n, c: [(n, c + b"c__torch__.torch.classes.a\nB\n" if n.endswith("/data.pkl") else c)]
    )
    with pytest.raises(BadWeights, match="class of C"):
        load(path)


def test_what_is_loaded_is_what_was_read(plain, tmp_path):
    """A file in front of an archive, and one behind it, are not what PyTorch gets to see."""
    front = tmp_path / "front.pt"
    front.write_bytes(b"PTMF" * 100 + plain.read_bytes())
    assert torch.equal(load(front)(torch.ones(1)), torch.full((1,), 2.0))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive(tmp_path, content):
    path = tmp_path / "net.pt"
    path.write_bytes(content)
    with pytest.raises(BadWeights, match="copy or export it again"):
        load(path)


def test_scripted_networks_are_taken(tmp_path):
    path = tmp_path / "wordy.pt"
    torch.manual_seed(0)
    module = Wordy().eval()
    torch.jit.script(module).save(str(path))
    x = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(load(path)(x), module(x))
