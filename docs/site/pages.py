"""Makes the pages of the site that the program itself has the content of. Run by MkDocs while it builds.

The documents of the repository's root become pages; the command line's reference is made from its help, the file
formats' from the schemas, one page a derainer from the cards.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mkdocs_gen_files

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "site"))

from links import PAGES, PICTURES, pictures  # noqa: E402


def write(page: str, lines: Iterator[str] | str) -> None:
    """Put a page among those of the site."""
    with mkdocs_gen_files.open(page, "w", encoding="utf-8") as file:
        file.write(lines if isinstance(lines, str) else "\n".join(lines) + "\n")


def command_line() -> Iterator[str]:
    """The reference of the command line, from the help of every verb."""
    import typer

    from bench.cli.app import app

    root = typer.main.get_command(app)
    yield "# Command line\n\nMade from `bench --help`; every verb has `--help` of its own.\n"
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        yield from _verb(f"bench {name}", command)


def _verb(called: str, command: Any) -> Iterator[str]:
    yield f"## {called}\n\n{(command.help or '').strip()}\n"
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield f"- `{called} {name}`: {(below.help or '').strip().splitlines()[0]}"
        yield ""
        return
    rows = [_parameter(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    if rows:
        yield "| argument or option | default | what it says |\n| --- | --- | --- |"
        yield from rows
        yield ""
    examples = [
        line.strip() for line in (command.epilog or "").splitlines() if line.strip().startswith("bench ")
    ]
    if examples:
        yield "```sh\n" + "\n".join(examples) + "\n```\n"


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = f"{parameter.name.upper()}{'...' if parameter.nargs != 1 else ''}"
        said = getattr(parameter, "help", "") or ""
    else:
        name = ", ".join((*parameter.opts, *parameter.secondary_opts))
        said = parameter.help or ""
    default = parameter.default
    shown = "" if default in (None, (), [], False) or callable(default) else f"`{default}`"
    return f"| `{name}` | {shown} | {_cell(said)} |"


def _cell(text: Any) -> str:
    return str(text).replace("[", "\\[").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def formats() -> Iterator[str]:
    """What lies on disk: records, evidence, entries."""
    import inspect

    from bench.keep import entry, records, store
    from downstream.tasks import all_tasks

    yield "# File formats\n\nMade from the program's own schemas.\n\n## The store\n"
    yield f"```text\n{inspect.cleandoc(store.__doc__ or '').split('::', 1)[1].split('Every file')[0].strip()}\n```\n"
    yield f"## Records\n\n{inspect.cleandoc(records.__doc__ or '')}\n"
    schema = records.Record.model_json_schema()
    for name, part in {"Record": schema, **schema.get("$defs", {})}.items():
        yield f"### {name}\n\n| field | type |\n| --- | --- |"
        for field, values in part.get("properties", {}).items():
            yield f"| `{field}` | {_cell(_type(values))} |"
        yield ""
    yield "## Evidence\n"
    yield "Every row has `scene` (string), `digest` (string) and `seconds` (double); each task adds columns.\n"
    for task in all_tasks():
        yield f"### {task.about.name}, version {task.version}\n\n| column | type (Arrow) |\n| --- | --- |"
        for column, kind in task.columns.items():
            yield f"| `{column}` | {_cell(kind)} |"
        yield ""
    yield f"## Entries of the board\n\n{inspect.cleandoc(entry.__doc__ or '').replace('::', ':')}\n"


def _type(values: dict[str, Any]) -> str:
    if "anyOf" in values:
        return " or ".join(_type(part) for part in values["anyOf"])
    if "$ref" in values:
        return str(values["$ref"]).rpartition("/")[2]
    if "enum" in values:
        return " or ".join(json.dumps(value) for value in values["enum"])
    if values.get("type") == "array":
        return f"list of {_type(values.get('items', {}))}"
    return str(values.get("type", "any"))


def card_pages() -> Iterator[str]:
    """One page a derainer; returns the index."""
    from derainers import cards

    yield "# Derainers' cards\n\nMade from the registry; the table by kind is [the field on one page](../field.md).\n"
    yield "| derainer | what it is | year | parameters |\n| --- | --- | --: | --: |"
    for card in sorted(cards(), key=lambda card: card.name):
        write(f"reference/cards/{card.name}.md", _card(card))
        parameters = f"{card.params:,}" if card.params else "—"
        yield f"| [{card.name}](cards/{card.name}.md) | {_cell(card.title)} | {card.year or '—'} | {parameters} |"


def _card(card: Any) -> Iterator[str]:
    yield f"# {card.name}\n\n{card.title}\n\n| | |\n| --- | --- |"
    said = {
        "paper": card.paper or "—",
        "licence": card.licence,
        "trained on": card.training_data,
        "weights": card.weights_note or "—",
        "parameters": f"{card.params:,}" if card.params else "—",
        "multiply-adds at 256x256": f"{card.macs_256 / 1e9:.1f} G" if card.macs_256 else "—",
        "size of the input": f"multiples of {card.multiple}",
    }
    for name, text in said.items():
        yield f"| {name} | {_cell(text)} |"
    if card.published:
        yield "\n## Published\n\n| set | PSNR / SSIM | trained on | protocol | source |"
        yield "| --- | --: | --- | --- | --- |"
        for number in card.published:
            score = f"{number.psnr:.2f}" + (f" / {number.ssim:.3f}" if number.ssim is not None else "")
            told = (number.set, score, number.trained, number.protocol, number.source)
            yield f"| {' | '.join(map(_cell, told))} |"
    weights = "" if card.weights_sha256 or not card.params or "shipped" in card.weights_note else ":WEIGHTS"
    yield f"\n## Run it\n\n```sh\nbench run --derainer {card.name}{weights} --task detection\n```"
    if card.bibtex:
        yield f"\n## Cite it\n\n```bibtex\n{card.bibtex.strip()}\n```"


def notebook(path: Path) -> Iterator[str]:
    """A notebook as a page: its text and its code, without what it prints."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        yield f"{text}\n" if cell["cell_type"] == "markdown" else f"```python\n{text}\n```\n"


for root, page in PAGES.items():
    write(page, (ROOT / root).read_text(encoding="utf-8"))
write("reference/cli.md", command_line())
write("reference/formats.md", formats())
write("reference/cards.md", card_pages())
write("first_look.md", notebook(ROOT / "docs" / "first_look.ipynb"))
for document in (ROOT / "docs").glob("*.md"):
    for picture in sorted(pictures(document.read_text(encoding="utf-8"))):
        with mkdocs_gen_files.open(f"{PICTURES}/{picture}", "wb") as copy:
            copy.write((ROOT / picture).read_bytes())
