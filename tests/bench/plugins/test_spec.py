"""The one spelling of what is a user's own: places, options, lists, entries of a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import plugins
from bench.engine.suite import make_suite
from bench.errors import BadConfig
from bench.plugins import Options, PlugIn, listed, parse, read_options, write_options
from derainers import parse_derainers


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("my.py:fog", PlugIn(Path("my.py"), "fog")),
        ("a b/my.py:fog:0.5:1", PlugIn(Path("a b/my.py"), "fog", "0.5:1")),
        (r"C:\x\my.py:Net", PlugIn(Path(r"C:\x\my.py"), "Net")),
        ("my.py:Net?width=48&blocks=2:w.pth", PlugIn(Path("my.py"), "Net", "w.pth", "width=48&blocks=2")),
        ("my.py:Net?sizes={a: 1}", PlugIn(Path("my.py"), "Net", None, "sizes={a: 1}")),
        ("no.such.module:Net:w", PlugIn(Path("no/such/module.py"), "Net", "w", "", "no.such.module")),
        ("my.py", None),
        ("my.py:", None),
        ("streaks:heavy", None),
        ("coco:/data/x.py", None),
        ("folder:a.b/c", None),
        ("images:my.set/of:images", None),
    ],
)
def test_what_names_an_object_of_ones_own(spec: str, expected: PlugIn | None) -> None:
    assert parse(spec) == expected
    if expected is not None:
        assert parse(str(expected)) == expected


WORD = st.text("abcxyz_0", min_size=1, max_size=8)
NAME = st.from_regex(r"[a-z][a-z_]{0,7}", fullmatch=True)
VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=2),
    max_leaves=5,
)


@given(st.lists(WORD, min_size=1, max_size=3), WORD, st.none() | st.text("ab:/.0", min_size=1, max_size=9))
def test_a_spelling_is_read_as_it_was_meant(parts: list[str], name: str, arg: str | None) -> None:
    plugin = PlugIn(Path("/".join(parts) + ".py"), name, arg, "width=48")
    assert parse(str(plugin)) == plugin
    assert plugin.title == PlugIn(Path("elsewhere") / plugin.file, name, arg, "width=48").title


@given(st.dictionaries(NAME, VALUE, max_size=3), st.dictionaries(NAME, VALUE, max_size=2))
def test_options_are_read_as_they_were_written(arguments: dict[str, Any], attributes: dict[str, Any]) -> None:
    options = Options(arguments, attributes)
    query = write_options(options)
    assert read_options(query) == options
    (spec,) = parse_derainers(f"a=my.py:Net?{query}:w.pth" if query else "a=my.py:Net:w.pth")
    assert (spec.query, spec.arg) == (query, "w.pth")
    (again,) = parse_derainers(str(spec))
    assert again == spec


def test_lists_are_cut_where_no_bracket_is_open() -> None:
    assert listed("a, b?x=[1,2],c") == ["a", "b?x=[1,2]", "c"]
    text = "rdmc,my.py:Net?sizes=[1,2]:w.pth,guided+my.py:Net?d={a: 1, b: 2}"
    assert [spec.label for spec in parse_derainers(text)] == ["rdmc", "Net", "guided+Net"]


def test_arguments_of_an_option_file_are_those_of_its_network(tmp_path: Path) -> None:
    file = tmp_path / "train.yml"
    file.write_text(
        "name: mine\nscale: !!float 1\nnetwork_g:\n  type: Net\n  width: 48\n  blocks: [1, 2]\npath: x\n"
    )
    assert read_options(f"@{file}&width=32").arguments == {"width": 32, "blocks": [1, 2]}
    file.write_text("width: 8\n")
    assert read_options(f"@{file}").arguments == {"width": 8}
    for text, words in (("- 1\n", "holds no arguments"), ("a: [", "is not YAML")):
        file.write_text(text)
        with pytest.raises(BadConfig, match=words):
            read_options(f"@{file}")
    with pytest.raises(BadConfig, match="options file absent.yml"):
        read_options("@absent.yml")


@pytest.mark.parametrize("query", ["width", "=3", "a-b=3", "width=[1", ".=3"])
def test_options_that_are_none_are_refused_with_the_syntax(query: str) -> None:
    with pytest.raises(BadConfig, match="NAME[?]ARGUMENT=VALUE|not YAML"):
        parse_derainers(f"my.py:Net?{query}")


def test_a_suite_may_write_what_is_made_with_what_as_a_mapping() -> None:
    entry = {"name": "my.py:Net", "arguments": {"width": 48}, "attributes": {"multiple": 8}}
    values = {
        "derainers": ["rdmc", {**entry, "label": "wide", "weights": "w.pth"}],
        "tasks": [{"name": "my.py:Task", "arguments": {"a": "1"}}],
        "models": [{"task": "detection", "name": "my.py:Model", "arguments": {"size": 3}}],
        "variants": [{"rain": [{"name": "my.py:fog", "arguments": {"density": 0.5}}]}],
    }
    suite = make_suite(values, "s")
    assert suite.derainers == ("rdmc", "wide=my.py:Net?width=48&.multiple=8:w.pth")
    assert suite.tasks == ('my.py:Task?a="1"',)
    assert suite.models[0].name == "my.py:Model?size=3"
    assert suite.variants[0].rain == ("my.py:fog?density=0.5",)
    for wrong, words in (({"file": "x"}, "unknown key file"), ({"name": "a", "arguments": 3}, "arguments: ")):
        with pytest.raises(BadConfig, match=words):
            make_suite({"derainers": [wrong]}, "s")


def test_a_module_is_found_in_the_named_folder_the_working_directory_and_src(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.plugins.spec._searched", [])
    for place in ("here/repo/models", "here/src/other", "there/repo/models"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "net.py").touch()
    monkeypatch.chdir(tmp_path / "here")
    assert parse("repo.models.net:Net") == PlugIn(Path("repo/models/net.py"), "Net")
    assert parse("other.net:Net") == PlugIn(Path("src/other/net.py"), "Net")
    plugins.search_in(tmp_path / "there")
    assert parse("repo.models.net:Net") == PlugIn(tmp_path / "there/repo/models/net.py", "Net")
    assert plugins.settled("repo.models.net:Net?a=1") == f"{tmp_path}/there/repo/models/net.py:Net?a=1"
    assert parse("numpy.linalg:norm").module == "numpy.linalg"  # type: ignore[union-attr]
    with pytest.raises(BadConfig, match="no such folder"):
        plugins.search_in(tmp_path / "nowhere")
    with pytest.raises(BadConfig, match=r"no module no\.module\.here .*--path DIR"):
        plugins.check(parse("no.module.here:Net"), "derainer")  # type: ignore[arg-type]


def test_a_file_alone_is_asked_what_in_it_is_meant() -> None:
    for spec in ("my.py", "my.py:"):
        with pytest.raises(BadConfig, match=r"such as my\.py:NAME"):
            plugins.refuse_bare(spec)
    plugins.refuse_bare("streaks:heavy")
