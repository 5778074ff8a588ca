"""Every verb that loads checkpoints takes the trust that a refused one asks for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import typer

from bench.cli.app import app
from bench.errors import BadWeights
from bench.hashing import sha256_file


@pytest.mark.parametrize("verb", ["run", "plan", "verify", "restore", "check", "panel", "profile", "train"])
def test_a_verb_takes_it(verb: str) -> None:
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    assert "--trust-checkpoint" in {option for parameter in command.params for option in parameter.opts}


def test_what_is_trusted_is_loaded_to_be_checked_and_timed(tmp_path: Path) -> None:
    import torch

    from bench.engine.cost import Fault, profile_derainers
    from derainers import parse_derainers
    from derainers.harness.remedy import load_with
    from derainers.nets.prenet import PReNet

    path = tmp_path / "w.pth"
    torch.save({"state_dict": PReNet().state_dict(), "rate": Fraction(1, 3)}, path)
    specs = parse_derainers(f"prenet:{path}")
    with pytest.raises(BadWeights, match="--trust-checkpoint"):
        load_with(specs[0], "cpu", "fp32", {}, "off")
    digest = sha256_file(path)
    assert load_with(specs[0], "cpu", "fp32", {}, "off", digest).card.weights_sha256 == digest
    (row,) = profile_derainers(specs, "cpu", "fp32", 0, [(16, 16)], print, digest)
    assert not isinstance(row, Fault)
