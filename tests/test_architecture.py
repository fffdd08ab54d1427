"""The house keeps its shape: arrows, light imports, no shadowing, small files, public names."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("twin", "sites", "workloads", "dashboards")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
HEAVY = ("torch", "onnxruntime", "lal", "gwpy", "dash", "dask", "distributed", "plotly")


def modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_arrows_point_down():
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_help_is_instant():
    loaded = modules_after(
        "from dashboards.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    )
    assert not loaded & {*HEAVY, "pandas", "numba", "scipy", "numpy", "simpy"}


def test_a_replay_run_loads_no_model():
    code = (
        "import twin\n"
        "s = twin.load('first-light').with_({'horizon': '10 min', 'timeline': {}, 'replicas': 1})\n"
        "twin.run(s)"
    )
    assert not modules_after(code) & set(HEAVY)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_shadows_a_package(package):
    assert Path(importlib.import_module(package).__file__).parent == ROOT / package
    assert len(packages_distributions().get(package, ["et-twin"])) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_exist_and_are_sorted(package):
    module = importlib.import_module(package)
    names = getattr(module, "__all__", [])
    assert names == sorted(names)
    for name in names:
        assert getattr(module, name) is not None


def test_the_twins_surface_is_exported():
    import twin

    assert set(twin.__all__) == set(twin._HOMES) == set(dir(twin))
    with pytest.raises(AttributeError, match="module 'twin' has no attribute 'lode'; it has: Record"):
        _ = twin.lode


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_one_idea_per_file_one_screen_of_names(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a file opens by saying what it is"
    assert text.count("\n") <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_unpickles(path):
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert not names & {"pickle", "joblib", "dill", "cloudpickle"}
    assert "torch.load(" not in path.read_text()
