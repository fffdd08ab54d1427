"""`ettwin list`: the shipped scenarios, for who does not know where to start."""

from __future__ import annotations

from dashboards.terminal import Json, columns, result, result_json


def listing(json: Json = False) -> None:
    """List the scenarios that are shipped, each with the question it answers."""
    from twin.loader import bundled, load

    questions = {name: load(path).question for name, path in bundled().items()}
    if json:
        result_json({"scenarios": [{"name": name, "question": text} for name, text in questions.items()]})
    else:
        result(columns((name, " ".join(text.split())) for name, text in questions.items()))
