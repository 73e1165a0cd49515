"""The rules for workflow engines, run by the engine that can be had here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docs.conftest import DOCS
from support.documents import steps
from support.sandbox import XNAT

PATH = DOCS / "recipes/snakemake-nextflow.md"
RECIPE = PATH.read_text()
SHARDS = 4


def block(beginning: str) -> str:
    """A block of the recipe that is shown only."""
    (found,) = re.findall(rf"^```text\n({beginning}.*?)^```$", RECIPE, re.M | re.S)
    return str(found)


@pytest.fixture
def plan(xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the plan of eight scans."""
    for name, value in {"URL": xnat.url, "USER": "admin", "PASS": "admin"}.items():
        monkeypatch.setenv(f"XNAT_{name}", value)
    scans = {str(number): {"a.dcm": b"a" * 1000} for number in range(8)}
    xnat.has_session("NEURO", "SUB01", "SUB01_MR1", scans=scans)
    folder = tmp_path / "work"
    folder.mkdir()
    words = f"xnat-ls scans -P NEURO --long | xnat-shard plan ./plan --shards {SHARDS}"
    subprocess.run(words, shell=True, check=True, cwd=folder, capture_output=True)
    return folder


@pytest.mark.timeout(600)
def test_snakemake_runs_its_rules_again_and_again(plan: Path) -> None:
    snakemake = shutil.which("snakemake")
    if snakemake is None:
        pytest.skip("snakemake is not installed (pip install snakemake, in a place of its own)")
    (plan / "Snakefile").write_text(block("rule all"))
    words = [snakemake, "--cores", "2", "--resources", "connections=2"]

    def ran() -> str:
        answer = subprocess.run(words, cwd=plan, capture_output=True, text=True, timeout=250)
        assert answer.returncode == 0, answer.stderr
        return answer.stderr

    ran()
    assert len(list(plan.glob("data/**/a.dcm"))) == 8
    assert "Nothing to be done" in ran()
    (plan / "done/2").unlink()
    ran()
    assert (plan / "done/2").exists()


def test_what_nextflow_gives_to_the_shell_can_be_run(plan: Path) -> None:
    (script,) = re.findall(r'script: "(.*)"', block("process shard"))
    for index in range(SHARDS):
        command = script.replace("${launchDir}", str(plan)).replace("${index}", str(index))
        assert "$" not in command
        work = plan / "nextflow" / str(index)
        work.mkdir(parents=True)
        subprocess.run(["bash", "-ue", "-c", command], check=True, cwd=work, capture_output=True)
        assert list(work.iterdir()) == []
    assert len(list(plan.glob("data/**/a.dcm"))) == 8


def test_nextflow_retries_the_status_that_asks_for_it(plan: Path) -> None:
    from xnat_core.errors import UNFINISHED

    assert f"task.exitStatus == {UNFINISHED} ? 'retry'" in block("process shard")
    held = subprocess.run(
        ["xnat-shard", "run", "plan", "0", "--", "sh", "-c", "kill -TERM $PPID; sleep 9"],
        cwd=plan,
        capture_output=True,
        env=os.environ,
    )
    assert held.returncode == UNFINISHED


def test_a_rule_can_go_on_beyond_records_that_cannot_be_had(plan: Path) -> None:
    none = '{"kind":"scan","id":"99","session":"SUB01_MR1","project":"NEURO"}'
    words = "xnat-shard plan ./plan --shards 1"
    subprocess.run(words, shell=True, check=True, cwd=plan, input=none.encode())
    (rule,) = (step.commands for step in steps(PATH) if "||" in step.commands)
    run = rule.partition("||")[0]
    assert subprocess.run(["bash", "-c", run], cwd=plan).returncode == 5
    assert subprocess.run(["bash", "-c", rule], cwd=plan).returncode == 0
    broken = rule.replace("xnat-download", "no-such-tool").replace("./plan", "./other")
    words = "xnat-shard plan ./other --shards 1"
    subprocess.run(words, shell=True, check=True, cwd=plan, input=none.encode())
    assert subprocess.run(["bash", "-c", broken], cwd=plan).returncode != 0
