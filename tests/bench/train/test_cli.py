from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import main


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["bench", "train", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    output = capsys.readouterr()
    return int(stop.value.code or 0), output.err + output.out


def test_a_training_from_the_command_line(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        "options: {width: 2, recursions: 1, norm: none, recruitment: none}\n"
        f"data: {{clean: [{{images: '{photos}'}}]}}\n"
        "stages: [{until: 2, patch: 16, batch: 1}]\nloss: {contrastive: 0}\nthreads: 1\n"
    )
    weights = tmp_path / "w.safetensors"
    code, said = run(
        capsys, monkeypatch, "--config", str(config), "--out", str(tmp_path / "out"), "--export", str(weights)
    )
    assert code == 0
    assert "parameters after 2 steps" in said
    assert "note: no held-out images" in said
    assert weights.is_file()


@pytest.mark.parametrize("held_out", [False, True])
def test_own_images_with_a_shipped_configuration(
    held_out: bool,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The images that it names for validation are not there."""
    from bench.train import runner
    from bench.train.config import TrainConfig

    seen: list[TrainConfig] = []
    monkeypatch.setattr(runner, "train", lambda config, *_: seen.append(config))
    validation = ["--validation", str(photos)] if held_out else []
    code, _ = run(
        capsys, monkeypatch, "--config", "rdmc", "--clean", str(photos), *validation, "--out", str(tmp_path)
    )
    assert code == 0
    assert seen[0].validation.images == ((str(photos),) if held_out else ())
    assert seen[0].validation.limit == 8
    assert [source.images for source in seen[0].data.clean] == [str(photos)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config", "rdcm"], "no training configuration 'rdcm'"),
        (["--config", "rdmc", "--derainer", "rdcm"], "unknown derainer 'rdcm': did you mean rdmc"),
        (["--config", "rdmc", "--clean", "nothing/here"], "no clean images found in nothing/here"),
        (
            ["--config", "rdmc", "--clean", "PHOTOS", "--validation", "no/such"],
            "no clean images found in no/such",
        ),
        ([], "give --clean, --pairs or --config to train, or --export"),
        (["--pairs", "no/such"], "no/such"),
        (["--clean", "PHOTOS", "--init", "no.pth"], "no.pth: no such weights file"),
        (["--clean", "PHOTOS", "--derainer", "no.py:Net"], "no.py:Net: no file no.py"),
        (["--export", "w.safetensors"], "no checkpoint of bench train"),
        (["--export", "w.pth"], "exported weights end in .safetensors"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    arguments: list[str],
    said: str,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = [str(photos) if argument == "PHOTOS" else argument for argument in arguments]
    code, output = run(capsys, monkeypatch, "--out", str(tmp_path), *given)
    assert code == 2
    assert said in output
    assert len(output.strip().splitlines()) == 1


NETWORK = """
import torch

class Net(torch.nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        self.convs = torch.nn.Sequential(
            torch.nn.Conv2d(3, channels, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(channels, 3, 3, padding=1)
        )

    def forward(self, rainy):
        return rainy + self.convs(rainy)

def make(channels=2):
    return Net(channels)

frozen = torch.nn.Identity()
"""


def test_a_network_of_ones_own_on_pairs_of_ones_own(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trained without a configuration, validated on pairs, exported, and run as a derainer."""
    import numpy as np

    from bench.train import config as training
    from derainers import load_derainer

    short = tmp_path / "short.yaml"
    text = (Path(training.__file__).parent / "default.yaml").read_text()
    short.write_text(
        text.replace("20000", "4").replace("patch: 96", "patch: 16").replace("every: 1000", "every: 2")
    )
    monkeypatch.setattr(training, "config_for", lambda network: short)
    (tmp_path / "net.py").write_text(NETWORK)
    pairs = tmp_path / "pairs"
    for name in ("input", "target"):
        (pairs / name).mkdir(parents=True)
        for path in photos.iterdir():
            (pairs / name / path.name).write_bytes(path.read_bytes())
    net, out, weights = f"{tmp_path / 'net.py'}:Net", tmp_path / "out", tmp_path / "net.safetensors"
    arguments = ["--pairs", str(pairs), "--validation", f"pairs:{pairs}", "--export", str(weights)]
    code, said = run(capsys, monkeypatch, "--derainer", net, "--out", str(out), *arguments)
    assert code == 0, said
    assert "about 0 min: 4 steps" in said
    assert "pairs/pairs" in said
    assert (out / "curve.png").is_file()
    image = np.full((33, 20, 3), 90, np.uint8)
    assert load_derainer(f"{net}:{weights}")(image).shape == image.shape


@pytest.mark.parametrize(
    ("attribute", "said"), [("frozen", "has no parameters"), ("nothing", "has no 'nothing'; it has Net")]
)
def test_what_is_no_network_is_one_line(
    attribute: str,
    said: str,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    net = f"{tmp_path / 'net.py'}:{attribute}"
    code, output = run(
        capsys, monkeypatch, "--derainer", net, "--clean", str(photos), "--out", str(tmp_path / "out")
    )
    assert code == 2
    assert said in output
    assert len(output.strip().splitlines()) == 1


def test_options_of_ones_own_network_are_exported_with_its_weights(tmp_path: Path, photos: Path) -> None:
    from bench.train.config import TrainConfig
    from bench.train.export import export
    from bench.train.runner import train
    from derainers import load_derainer

    (tmp_path / "net.py").write_text(NETWORK)
    config = TrainConfig.model_validate(
        {
            "network": f"{tmp_path / 'net.py'}:make",
            "options": {"channels": 5},
            "data": {"clean": [{"images": str(photos)}]},
            "stages": [{"until": 1, "patch": 16, "batch": 1}],
            "loss": {"contrastive": 0},
            "threads": 1,
        }
    )
    train(config, tmp_path / "out", say=lambda line: None)
    card = export(tmp_path / "out", tmp_path / "w.safetensors")
    assert card["network"] == f"{tmp_path.name}/net.py:make"
    derainer = load_derainer(f"{tmp_path / 'net.py'}:Net:{tmp_path / 'w.safetensors'}")
    assert derainer.card.params == 3 * 5 * 9 + 5 + 5 * 3 * 9 + 3


def test_the_own_configuration_is_the_default(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.train import runner
    from bench.train.config import TrainConfig

    seen: list[TrainConfig] = []
    monkeypatch.setattr(runner, "train", lambda config, *_: seen.append(config))
    for network, init in ((None, None), ("rdmc-s", "none"), ("drsformer", "w.pth")):
        chosen = [] if network is None else ["--derainer", network]
        chosen += [] if init is None else ["--init", init]
        assert run(capsys, monkeypatch, "--clean", str(photos), "--out", str(tmp_path), *chosen)[0] == 0
    assert [(c.network, c.start) for c in seen] == [
        ("rdmc", "rdmc"),
        ("rdmc-s", None),
        ("drsformer", "w.pth"),
    ]
    assert [c.options.get("width") for c in seen] == [16, 4, None]
