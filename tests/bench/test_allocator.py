from __future__ import annotations

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import sys
import numpy as np
from bench.allocator import keep_freed_memory

def faults():
    with open("/proc/self/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[7])

if sys.argv[1] == "keep":
    assert keep_freed_memory()
np.ones(64 << 20, np.uint8)
before = faults()
for _ in range(4):
    np.ones(64 << 20, np.uint8)
print(faults() - before)
"""


def page_faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator is set up")
def test_large_blocks_are_not_mapped_anew() -> None:
    assert page_faults("keep") < page_faults("leave") / 10
