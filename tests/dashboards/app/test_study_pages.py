"""Pages of studies: what a folder holds is told in words, figures and numbers; what is not right is said."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from dashboards.app import frame, job, jobview, orders
from dashboards.app.jobs import Jobs, RefusedError
from dashboards.app.library import Library, UnknownError
from dashboards.app.url import address
from tests.dashboards.app import studied
from tests.dashboards.app.test_pages import shown
from twin.studies.shipped import studies


@pytest.fixture
def library(tmp_path):
    """The studies in a folder of their own."""
    for name in ("swept", "torn"):
        shutil.copytree(studied.folder() / name, tmp_path / name)
    found = Library(tmp_path)
    found.jobs = Jobs(tmp_path, most=1)
    return found


def at(library, path, **query):
    return shown(frame.page(library, path, address("", query)).content)


def test_studies_are_listed_with_question_kind_and_answer(library):
    entry = library.entry("swept")
    assert (entry.kind, entry.scenario, entry.seed) == ("study", "first-light", 1)
    answer = json.dumps(" ".join(entry.about["answer"]))
    assert len(answer) > 20
    for path in ("/", "/studies"):
        text = at(library, path)
        assert "/study/swept" in text
        assert answer in text
        assert json.dumps(entry.question) in text
    assert '"study: sweep"' in at(library, "/")
    assert "/studies" in shown(frame.navigation("", 0)[3])


def test_every_shipped_study_can_be_run(library):
    text = at(library, "/studies")
    for name in studies():
        assert json.dumps({"start-study": name}) in text
    library.jobs = None
    text = at(library, "/studies")
    assert "start-study" not in text
    assert "ettwin study one-less" in text


def test_a_sweep_is_told_and_drawn(library):
    text = at(library, "/study/swept")
    assert f'"{library.entry("swept").about["answer"][0]}"' in text
    assert "6 points" in text
    assert "3 replicas each" in text
    assert '"Lost, of detectable signals"' in text
    assert studied.COMMAND in text
    assert '"horizon"' in text
    assert '"1, 2, 4"' in text
    assert '"type": "scatter"' in text
    assert '"display": "none"' not in text
    for name in ("report.html", "table.parquet", "values.parquet"):
        assert f"/file/swept/{name}" in text


def test_the_address_says_which_quantity_and_how(library):
    text = at(library, "/study/swept", quantity="latency.p50", shape="map")
    assert '"type": "heatmap"' in text
    assert '"text": "Median latency' in text
    drawn = at(library, "/study/swept", quantity="no such", shape="no such")
    assert '"type": "scatter"' in drawn
    assert '"type": "heatmap"' not in drawn


def test_what_failed_is_named_with_its_reason_as_text(library):
    text = at(library, "/study/swept")
    assert "What failed" in text
    assert json.dumps(studied.HOSTILE) in text


def test_a_kind_has_its_figure_and_its_own_table(library):
    text = at(library, "/study/torn")
    assert "Which assumption moves the answer" in text
    assert "/file/torn/tornado.parquet" in text
    assert library.file("torn", "tornado.parquet").is_file()


@pytest.mark.parametrize("name", ["answers.jsonl", "x.parquet", "../swept/table.parquet", "link.parquet"])
def test_only_tables_of_the_study_are_handed_out(library, tmp_path, name):
    (tmp_path / "swept" / "answers.jsonl").write_text("secret")
    (tmp_path / "swept" / "link.parquet").symlink_to(tmp_path / "torn" / "tornado.parquet")
    with pytest.raises(UnknownError, match="has no file"):
        library.file("swept", name)
    at(library, "/study/swept")


@pytest.mark.parametrize("path", ["/study/nothing", "/study/..%2f..", "/run/swept", "/study/small"])
def test_a_study_that_is_not_there_says_so(library, path):
    assert "There is no" in at(library, path)


def test_a_study_that_is_removed_while_it_is_open(library, tmp_path):
    at(library, "/study/swept")
    shutil.rmtree(tmp_path / "swept")
    assert "removed or renamed" in at(library, "/study/swept")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("manifest.json", "{", "cannot be read: JSONDecodeError"),
        ("manifest.json", "{}", "cannot be read: KeyError"),
        ("manifest.json", '{"seed": 1, "kind": "vary", "answer": 3}', "'answer' in manifest.json is no list"),
        ("manifest.json", '{"seed": 1, "kind": "vary", "failures": []}', "'failures' in manifest.json is no dict"),
        ("table.parquet", "PAR1 no", "Run it again"),
        ("table.parquet", None, "lacks table.parquet"),
    ],
)
def test_a_damaged_study_is_told(library, tmp_path, name, content, told):
    path = tmp_path / "swept" / name
    path.unlink() if content is None else path.write_text(content)
    at(library, "/studies")
    at(library, "/")
    assert told in at(library, "/study/swept")


def test_a_table_without_its_columns_is_told(library, tmp_path):
    path = tmp_path / "swept" / "table.parquet"
    pd.read_parquet(path).drop(columns="unit").to_parquet(path)
    assert "lacks the column 'unit'" in at(library, "/study/swept")
    pd.read_parquet(tmp_path / "torn" / "table.parquet").assign(value="text").to_parquet(path)
    assert "could not convert string to float" in at(Library(tmp_path), "/study/swept")
    own = tmp_path / "torn" / "tornado.parquet"
    pd.read_parquet(own).drop(columns="swing").drop(columns="low_from").to_parquet(own)
    assert "low_from" in at(library, "/study/torn")


def test_a_study_of_which_every_point_failed_says_so(library, tmp_path):
    for name in ("table", "targets"):
        path = tmp_path / "swept" / f"{name}.parquet"
        pd.read_parquet(path).head(0).to_parquet(path)
    text = at(library, "/study/swept")
    assert "there is nothing to draw" in text
    assert "What failed" in text


def test_a_study_of_an_earlier_version_is_shown_without_its_answer(library, tmp_path):
    path = tmp_path / "swept" / "manifest.json"
    about = json.loads(path.read_text())
    for name in ("answer", "question", "report", "with", "set", "sample"):
        del about[name]
    path.write_text(json.dumps(about))
    text = at(library, "/study/swept")
    assert "written by an earlier version" in text
    assert '"type": "scatter"' in text


def test_a_shipped_study_is_started_as_a_job(library, monkeypatch):
    with pytest.raises(RefusedError, match="no shipped study"):
        orders.study(library, "../mine")
    monkeypatch.setattr(library.jobs, "_start", lambda one: None)
    one = orders.study(library, "one-less")
    assert one.asked.arguments[:2] == ("study", "one-less")
    assert one.asked.arguments[-2:] == ("--out", str(library.jobs.folder / "one-less"))
    assert "--progress" in one.asked.arguments
    ended = job.Job(one.id, one.folder, one.asked, job.FINISHED)
    assert jobview.result_address(ended) == "/study/one-less"
