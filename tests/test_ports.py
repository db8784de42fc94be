"""A port in another language: it reads the vectors, answers them, passes, and with a fault in it does not."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import readme_table

from refimpl.cli import main

PORTS = Path(__file__).parent / "ports"
PORTED = ["relu", "mse_loss", "linear", "softmax", "dropout"]
TEXT = readme_table.README.read_text(encoding="utf-8")
FILES = re.findall(r"^```js (\S+\.js)\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
SESSION = re.search(r"^```console node\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE).group(1)

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="needs node")


@pytest.fixture
def port(tmp_path, capsys):
    """The port in a folder with the vectors of its ops: what `refimpl verify` says of it after a change to its text."""
    shutil.copytree(PORTS, tmp_path, dirs_exist_ok=True)
    source = (tmp_path / "port.js").read_text()
    assert main(["export", str(tmp_path / "vectors"), *PORTED]) == 0

    def verdicts(was="", becomes=""):
        assert was in source
        (tmp_path / "port.js").write_text(source.replace(was, becomes, 1))
        subprocess.run(["node", "port.js", "vectors"], check=True, cwd=tmp_path)
        capsys.readouterr()
        status = main(["verify", str(tmp_path / "vectors")])
        return status, capsys.readouterr().out

    return verdicts


def test_the_port_passes(port):
    status, out = port()
    assert status == 0
    assert out.splitlines()[-1] == f"{len(PORTED)} ops: {len(PORTED)} passed, 0 failed, 0 missing"


FAULTS = {
    "relu": [("x > 0 ? gradOutput", "x >= 0 ? gradOutput")],  # seen at the kink alone
    "mse_loss": [("2 * w[i] * r", "2.000002 * w[i] * r")],
    "linear": [("gradB[o] += g[at]", "gradB[o] = g[at]")],
    "softmax": [("- mean);", ");"), ("data[i] - largest) / total", "data[i]) / total")],
    "dropout": [("drawn[i] >= Math", "drawn[i] < Math")],
}  # fmt: skip


@pytest.mark.parametrize("op", FAULTS)
def test_a_fault_in_the_port_is_found_and_its_op_named(port, op):
    for was, becomes in FAULTS[op]:
        status, out = port(was, becomes)
        assert status == 1
        failed = {line.split()[0] for line in out.splitlines() if line.endswith("  fail")}
        assert failed == {op}


def test_the_readmes_loop_runs_as_printed(tmp_path, monkeypatch, capsys):
    shutil.copy(PORTS / "vectors.js", tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, text in FILES:
        (tmp_path / name).write_text(text)
    commands = [part.partition("\n") for part in SESSION.split("$ ")[1:]]
    assert [command.split()[:2] for command, _, _ in commands] == [
        ["refimpl", "export"], ["node", "port.js"], ["refimpl", "verify"]
    ]  # fmt: skip
    for command, _, shown in commands:
        program, *arguments = command.split()
        if program == "refimpl":
            assert main(arguments) == 0
        else:
            subprocess.run([program, *arguments], check=True)
        assert without_figures(capsys.readouterr().out) == without_figures(shown)


def without_figures(text):
    """The index names the versions of the libraries, so its size varies as well as the seconds."""
    return re.sub(r"\d+\.\d kB in \d+\.\d s", "* kB in * s", text)
