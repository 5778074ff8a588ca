from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch

from bench.errors import BadWeights
from bench.hashing import sha256_file
from derainers import load_derainer
from derainers.nets.prenet import PReNet


def test_a_file_that_is_not_plain_weights_loads_only_when_trusted_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"state_dict": PReNet().state_dict(), "rate": Fraction(1, 3)}, path)
    digest = sha256_file(path)
    with pytest.raises(BadWeights, match=f"--trust-checkpoint {digest}"):
        load_derainer(f"prenet:{path}")
    with pytest.raises(BadWeights):
        load_derainer(f"prenet:{path}", trust="0" * 64)
    assert load_derainer(f"prenet:{path}", trust=digest).card.weights_sha256 == digest
