"""What pydantic says of wrong values, in the words of somebody who writes YAML."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError

#: What pydantic says in its own terms, in those of somebody who writes YAML.
_PLAIN_WORDS = {
    "tuple_type": "must be a list",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
}
#: Characters of a wrong value that a message repeats.
_SHOWN = 80


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Turn a pydantic error into one clause per problem: key path, value, what is allowed."""
    clauses = []
    problems = error.errors()
    for problem in problems:
        # A list whose items are all wrong is reported as too short as well, which only confuses.
        if problem["type"] == "too_short" and any(
            other["loc"][: len(problem["loc"])] == problem["loc"] and other is not problem
            for other in problems
        ):
            continue
        path = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = _fields_at(model, problem["loc"][:-1])
            close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
            advice = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            clauses.append(f"unknown key {path}: {advice}")
        elif problem["type"] == "missing":
            clauses.append(f"{path} is missing")
        elif problem["type"] == "too_short":
            clauses.append(f"{path} is empty: give one at least")
        else:
            words = problem["msg"].removeprefix("Value error, ")
            words = _PLAIN_WORDS.get(problem["type"], words[0].lower() + words[1:])
            clauses.append(f"{path} is {_few(problem['input'])}: {words}" if path else words)
    return clauses


def _few(value: Any) -> str:
    """A value for a message, which has one line however long the value is."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no numbers of more than 4,300 digits
        return "a number too long to be shown"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    for part in path:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        for candidate in (annotation, *getattr(annotation, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
    return sorted(model.model_fields)
