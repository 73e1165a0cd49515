"""What has been done, and what is to be done again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.shards import Run, scans
from xnat_core.leases import Lease

FAIL = """\
while read -r line; do
    case $line in
        *'"id":"1"'*) echo "${line%\\}},\\"outcome\\":\\"failed\\",\\"error\\":{\\"exit_status\\":5,\\"message\\":\\"x\\"}}" ;;
        *) echo "${line%\\}},\\"outcome\\":\\"done\\"}" ;;
    esac
done
"""  # noqa: E501 - a shell program


@pytest.fixture
def plan(run: Run, folder: Path) -> Path:
    """Four records in two shards."""
    run("plan", folder, "-n", 2, records=scans(10, 10, 10, 10))
    return folder


def test_the_results_of_all_shards_come_in_one_stream(run: Run, plan: Path) -> None:
    for index in (0, 1):
        run("run", plan, index, "--", "sh", "-c", FAIL)
    status, out, _ = run("collect", plan)
    assert status == 5
    assert sorted((record["id"], record["outcome"]) for record in out) == [
        ("0", "done"),
        ("1", "failed"),
        ("2", "done"),
        ("3", "done"),
    ]


def test_output_that_is_no_record_is_named_with_its_file(run: Run, plan: Path) -> None:
    for index in (0, 1):
        run("run", plan, index, "--", "echo", "words")
    status, _, err = run("collect", plan)
    assert status == 1
    assert f"line 1 of {plan}/shard.0000." in err


def test_words_among_the_records_hide_none_of_them(run: Run, plan: Path) -> None:
    for index in (0, 1):
        run("run", plan, index, "--", "sh", "-c", f"echo words; {FAIL}")
    status, out, _ = run("collect", plan)
    assert status == 1
    assert sorted(record["id"] for record in out if "id" in record) == ["0", "1", "2", "3"]
    assert [(r["kind"], r["outcome"]) for r in out if "id" not in r] == [("input", "failed")] * 2
    status, out, err = run("collect", plan, "--again")
    assert (status, out) == (0, [scans(10, 10)[1]])
    assert err.count("is not a JSON object") == 2


def test_failed_records_come_out_ready_for_a_second_round(run: Run, plan: Path) -> None:
    for index in (0, 1):
        run("run", plan, index, "--", "sh", "-c", FAIL)
    status, out, _ = run("collect", plan, "--again")
    assert (status, out) == (0, [scans(10, 10)[1]])


def test_shards_that_are_not_done_are_named(run: Run, plan: Path) -> None:
    run("run", plan, 0, "--", "cat")
    status, out, err = run("collect", plan)
    assert status == 75
    assert err.splitlines()[0] == "xnat-shard: 1 of 2 shards are not done: 1"
    assert out[-1]["kind"] == "failure"


def test_the_status_tells_what_each_shard_does(run: Run, plan: Path) -> None:
    run("run", plan, 0, "--", "cat")
    assert Lease(plan / "shard.0001.lease").take()
    status, out, _ = run("status", plan)
    assert (status, [shard["state"] for shard in out]) == (0, ["done", "running"])
    assert out[1]["pid"] > 0


def test_indices_of_the_rest_can_be_printed(
    plan: Path, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    from xnat_shard.cli import main

    run("run", plan, 0, "--", "cat")
    assert main(["status", str(plan), "--where", "state!=done", "--quiet"]) == 0
    assert capfd.readouterr().out == "1\n"


def test_results_of_shards_that_stay_the_same_are_kept(run: Run, plan: Path) -> None:
    run("run", plan, 0, "--", "cat")
    run("run", plan, 1, "--", "cat")
    run("plan", plan, "-n", 2, records=scans(10, 10, 10, 10))
    assert [shard["state"] for shard in run("status", plan)[1]] == ["done", "done"]
    changed = scans(10, 10, 10, 10)
    changed[0]["label"] = "new"
    run("plan", plan, "-n", 2, records=changed)
    assert sorted(shard["state"] for shard in run("status", plan)[1]) == ["done", "waiting"]


def test_a_folder_without_a_plan_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    status, _, err = run("status", tmp_path)
    assert status == 2
    assert "plan.json does not exist" in err


@pytest.mark.parametrize("change", ["types", "missing", "digest", "list", "cut"])
def test_a_plan_that_was_changed_by_hand_is_told(run: Run, plan: Path, change: str) -> None:
    file = plan / "plan.json"
    facts = json.loads(file.read_text())
    if change == "types":
        facts["shards"][0]["records"] = "two"
    elif change == "missing":
        del facts["shards"][-1]
    elif change == "digest":
        facts["shards"][0]["digest"] = "0" * 64
    text = json.dumps([facts] if change == "list" else facts)
    file.write_text(text[:-1] if change == "cut" else text)
    for words in (("status", plan), ("run", plan, 0, "--", "cat"), ("collect", plan)):
        status, _, err = run(*words)
        assert status == 1
        assert "is no plan of xnat-shard, or was changed: make it anew" in err
