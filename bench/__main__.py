"""``python -m bench``: the command line where the console script is not on the path."""

from bench.cli import main

if __name__ == "__main__":  # worker processes import it under another name
    main()
