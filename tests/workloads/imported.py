"""What each workload's file brings along when it is imported, found in one process that imports them all."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

CODE = """
import json, sys
from workloads import spec
for name in spec.names():
    before = set(sys.modules)
    spec.get(name)
    print(json.dumps([name, sorted(set(sys.modules) - before)]))
"""


@cache
def after_importing():
    """By workload, the modules that were not there before it: those of the first that needs them."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    return {name: set(modules) for name, modules in map(json.loads, done.stdout.splitlines())}
