"""The command line: one module per verb, each thin. Nothing here may import torch or mm* before a verb runs."""

from __future__ import annotations

import io
import os
import sys

from bench.errors import BenchError


def main() -> None:
    """Run the command line; the console script ``bench``.

    A mistake of the user's is one line on standard error and exit code 2; Ctrl-C is exit code 130.
    """
    from bench.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        # A terminal or a pipe whose encoding lacks a letter gets a question mark, not a traceback after all work.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # OpenCV's own lines about a bad file would stand beside ours; workers inherit the setting.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        app(standalone_mode=True)
    except BenchError as error:
        from reports.tables.renderers.escape import visible  # names in it may come from a file of anyone's

        print(f"bench: {visible(' '.join(str(error).split()))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # `bench report ... | head`: the reader has seen enough. Closing stderr keeps Python's exit quiet.
        sys.stderr.close()
        sys.exit(0)
