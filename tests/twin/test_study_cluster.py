"""Studies on a Dask cluster: the same results, a killed worker costs its task, a poisoned task fails alone."""

from __future__ import annotations

import gc
import re
import shutil
import subprocess
import sys
from collections import Counter

import pytest

import twin
from tests.twin import studied
from tests.twin.profiles import write_all
from twin.cluster.places import Place, place
from twin.farm.place import FarmError
from twin.farm.secure import AddressError
from twin.studies.tasks import Failed, Task, Told, carried_out

distributed = pytest.importorskip("distributed")
from tests.twin.test_study_engine import tasks  # noqa: E402
from twin.cluster import study  # noqa: E402


def test_places_are_read_from_what_is_typed():
    assert place("local") == Place("local")
    assert place("local:3", tag="fast") == Place("local", 3, tag="fast")
    assert place("slurm:8") == Place("slurm", 8)
    assert place("tcp://127.0.0.1:8786").scheduler.address == "tcp://127.0.0.1:8786"
    for wrong in ("slurm", "slurm:0", "local:x", "lsf:3", ""):
        with pytest.raises(AddressError, match="give local, local:2"):
            place(wrong)


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_does_what_processes_do(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "answered", studied.answered)
    crew = study.Cluster(Place("local", 2), None)
    try:
        assert crew.workers == 2
        given = tasks("fine", f"once {tmp_path / 'flag'}", "wrong", "deadly", *(f"fine {k}" for k in range(4)))
        said = []
        events = list(crew.run(given, lambda task: True, lambda part, text: said.append(text)))
        told = Counter(event.task.name.split()[0] for event in events if isinstance(event, Told))
        assert told == {"fine": 20, "once": 4}
        failed = {event.task.name: str(event.error) for event in events if isinstance(event, Failed)}
        assert failed.keys() == {"wrong", "deadly"}
        assert "poisoned" in failed["deadly"]
        assert failed["wrong"] == "ValueError: no such thing"
    finally:
        crew.close()


SETTINGS = {
    "cores": 4,
    "processes": 2,
    "memory": "8 GB",
    "walltime": "00:20:00",
    "queue": "short",
    "interface": "lo",
}
SCRIPTS = {
    "slurm": """#!/usr/bin/env bash

#SBATCH -J dask-worker
#SBATCH -p short
#SBATCH -n 1
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH -t 00:20:00
export PYTHONPATH=/some/where
PYTHON -m distributed.cli.dask_worker tls://ADDRESS --name dummy-name --nthreads 2 --memory-limit 3.73GiB \
--nworkers 2 --nanny --death-timeout 60 --interface lo --protocol tls:// --tls-ca-file FILE --tls-cert FILE \
--tls-key FILE""",
}


@pytest.mark.filterwarnings("ignore")
def test_a_job_is_what_dasks_own_configuration_says(tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/some/where")
    with study.dask.config.set({"jobqueue.slurm": {**study.dask.config.get("jobqueue.slurm"), **SETTINGS}}):
        made = study.jobs(place("slurm:3"))
        script = made.job_script()
        made.close()
    del made
    gc.collect()  # dask-jobqueue leaves files open until then
    script = script.replace(sys.executable, "PYTHON")
    for pattern, name in ((r"tls://[0-9.]+:[0-9]+", "tls://ADDRESS"), (r"(--tls-\S+) \S+", r"\1 FILE")):
        script = re.sub(pattern, name, script)
    assert [line for line in script.splitlines() if line.strip()] == [
        line for line in SCRIPTS["slurm"].splitlines() if line
    ]
    with pytest.raises(FarmError, match=r"htcondor:2: .*Say in ~/.config/dask/jobqueue.yaml what a job is"):
        study.jobs(place("htcondor:2"))


@pytest.mark.skipif(shutil.which("sinfo") is None, reason="SLURM is not installed")
@pytest.mark.filterwarnings("ignore")
def test_jobs_of_slurm_do_what_processes_do(tmp_path, monkeypatch):
    if subprocess.run(["sinfo", "-h"], capture_output=True, check=False).returncode:
        pytest.skip("SLURM does not run")
    pytest.importorskip("dask_jobqueue")
    monkeypatch.chdir(tmp_path)
    known = {**SETTINGS, "cores": 1, "processes": 1, "memory": "1 GB", "log-directory": str(tmp_path)}
    with study.dask.config.set({"jobqueue.slurm": {**study.dask.config.get("jobqueue.slurm"), **known}}):
        crew = study.Cluster(place("slurm:1"), None)
        folder = write_all(tmp_path / "profiles", hardware="epyc-core")
        scenario = twin.load("first-light").with_({"horizon": "1 h", "timeline": {}})
        task = Task("k", "it", scenario, range(2), (folder,))
        events = list(crew.run([task], lambda task: True, lambda part, text: None))
        crew.close()
    del crew
    gc.collect()
    assert [event.answer for event in events] == [
        answer for _, answer in carried_out(task, lambda part, text: None)
    ]


@pytest.mark.filterwarnings("ignore")
def test_workers_with_resources_serve_who_asks_for_them(monkeypatch):
    monkeypatch.setattr(study, "answered", studied.answered)
    given = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None, "resources": {"fast": 1}}
    with distributed.LocalCluster(n_workers=1, **given) as there:
        told = {}
        for tag in ("", "fast", "slow"):
            crew = study.Cluster(place(there.scheduler_address, tag=tag), None)
            said = []

            def stop(part, text, said=said):
                said.append(text)
                raise KeyboardInterrupt

            try:
                told[tag] = len(list(crew.run(tasks("fine"), lambda task: True, stop)))
            except KeyboardInterrupt:
                told[tag] = said[0].partition(" at ")[0]
            crew.close()
    assert told == {"": "waiting for workers", "fast": 4, "slow": "waiting for workers with the resource 'slow'"}
