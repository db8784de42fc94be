"""The adapters are imported only on use, and say what is missing where their framework is."""

import subprocess
import sys

import pytest
from command import ROOT

ABSENT = """
import sys
sys.modules["{module}"] = None  # as if it were not installed
import refimpl.interop
try:
    import refimpl.interop.{module}
except ImportError as error:
    print(error)
"""


def printed(code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_refimpl_imports_no_framework():
    code = "import sys, refimpl, refimpl.interop, refimpl.cli; print({'torch', 'jax', 'pytest'} & set(sys.modules))"
    assert printed(code) == "set()"


@pytest.mark.parametrize(("module", "name"), [("torch", "PyTorch"), ("jax", "JAX")])
def test_a_framework_that_is_absent(module, name):
    assert printed(ABSENT.format(module=module)) == (
        f"refimpl.interop.{module}: {name} must be installed, got none; the extra `parity` brings it: "
        "pip install 'refimpl[parity]'"
    )
