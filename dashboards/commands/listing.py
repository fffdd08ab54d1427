"""`ettwin list`: the shipped scenarios and studies, for who does not know where to start."""

from __future__ import annotations

from dashboards.terminal import Json, columns, result, result_json


def listing(json: Json = False) -> None:
    """List the scenarios and studies that are shipped, each with the question it answers."""
    from twin import tree
    from twin.loader import bundled, load
    from twin.studies.shipped import studies

    questions = {name: load(path).question for name, path in bundled().items()}
    asked = {name: str(tree.read(path).plain().get("question", "")) for name, path in studies().items()}
    if json:
        told = {"scenarios": questions, "studies": asked}
        result_json({kind: [{"name": n, "question": q} for n, q in some.items()] for kind, some in told.items()})
        return
    result(columns((name, " ".join(text.split())) for name, text in questions.items()))
    if asked:
        result("\nStudies, for 'ettwin study':")
        result(columns((name, " ".join(text.split())) for name, text in asked.items()))
