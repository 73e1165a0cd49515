"""Running a shard: once, whole, and again after anything."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.shards import Run, scans
from xnat_core.leases import Lease
from xnat_shard.folder import Folder

DONE = 'import sys\nfor line in sys.stdin: print(line.rstrip()[:-1] + \', "outcome": "done"}\')'
POISON = (
    "import json, sys\n"
    "for line in sys.stdin:\n"
    "    record = json.loads(line)\n"
    "    if record['id'] == '1':\n"
    "        error = {'type': 'IntegrityError', 'message': 'differs', 'exit_status': 8}\n"
    "        record |= {'outcome': 'failed', 'error': error}\n"
    "    else:\n"
    "        record['outcome'] = 'done'\n"
    "    print(json.dumps(record))\n"
    "sys.exit(8)"
)


@pytest.fixture
def plan(run: Run, folder: Path) -> Path:
    """Two records in one shard."""
    run("plan", folder, "-n", 1, records=scans(10, 20))
    return folder


def results(folder: Path) -> list[str]:
    """The lines of the results of the only shard."""
    (output,) = folder.glob("shard.*.out")
    return output.read_text().splitlines()


def held_elsewhere(folder: Path, seconds: float = 60) -> Path:
    """A lease of somebody on another host; returns its file."""
    lease = Lease(folder / "shard.0000.lease", seconds)
    assert lease.take()
    (held,) = (folder / "shard.0000.lease").iterdir()
    held.write_text(held.read_text().replace('"host": "', '"host": "elsewhere-'))
    return held


def background(folder: Path, *command: str, lease: str = "60") -> subprocess.Popen[str]:
    words = ["xnat-shard", "run", "--lease", lease, str(folder), "0", "--", *command]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(path: Path) -> None:
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_output_of_the_command_is_the_result(run: Run, plan: Path) -> None:
    status, (shard,), _ = run("run", plan, 0, "--", sys.executable, "-c", DONE)
    assert (status, shard["outcome"], shard["failed"]) == (0, "done", 0)
    assert [json.loads(line)["outcome"] for line in results(plan)] == ["done", "done"]
    assert not list(plan.glob(".*.part"))


def test_a_shard_that_is_done_is_skipped(run: Run, plan: Path) -> None:
    run("run", plan, 0, "--", sys.executable, "-c", DONE)
    status, (shard,), _ = run("run", plan, 0, "--", "false")
    assert (status, shard["outcome"]) == (0, "skipped")


def test_poisoned_records_do_not_keep_a_shard_from_being_done(run: Run, plan: Path) -> None:
    status, (shard,), err = run("run", plan, 0, "--", sys.executable, "-c", POISON)
    assert (status, shard["failed"]) == (8, 1)
    assert (
        err.splitlines()[0] == "xnat-shard: shard 0: 1 record failed ('xnat-shard collect --again')"
    )
    assert len(results(plan)) == 2
    again, _, _ = run("run", plan, 0, "--", "false")
    assert again == 8


def test_a_command_that_cannot_work_leaves_the_shard_undone(run: Run, plan: Path) -> None:
    status, (shard,), err = run("run", plan, 0, "--", "sh", "-c", "head -n 1; exit 4")
    assert (status, shard["outcome"]) == (4, "failed")
    assert (
        err.splitlines()[0] == "xnat-shard: shard 0: sh failed with status 4, the shard is not done"
    )
    assert not list(plan.glob("shard.*.out"))


@pytest.mark.parametrize("ended", [75, 124, 130, 137, 143])
def test_failed_records_do_not_make_a_shard_done_whose_command_was_ended(
    run: Run, plan: Path, ended: int
) -> None:
    poisoned = '{"kind":"scan","outcome":"failed","error":{"exit_status":8,"message":"differs"}}'
    status, _, _ = run("run", plan, 0, "--", "sh", "-c", f"echo '{poisoned}'; exit {ended}")
    assert status not in (0, 8)
    _, (shard,), _ = run("status", plan)
    assert shard["state"] == "waiting"


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGFPE"])
def test_a_command_that_crashes_has_failed(run: Run, plan: Path, name: str) -> None:
    crash = f"import os, signal; os.kill(os.getpid(), signal.{name})"
    status, (shard,), err = run("run", plan, 0, "--", sys.executable, "-c", crash)
    assert (status, shard["outcome"]) == (1, "failed")
    assert f" crashed with {name}, the shard is not done\n" in err
    assert not list(plan.glob("shard.*.out"))


def test_a_command_that_somebody_killed_is_to_be_run_again(run: Run, plan: Path) -> None:
    status, _, err = run("run", plan, 0, "--", "sh", "-c", "kill -9 $$")
    assert (status, err) == (75, "xnat-shard: shard 0: sh was stopped; run it again\n")


@pytest.mark.parametrize("damage", ["cut", "gone", "doubled"])
def test_records_that_are_not_those_of_the_plan_are_not_run(
    run: Run, plan: Path, damage: str
) -> None:
    file = next(plan.glob("shard.0000.*.in"))
    whole = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes({"cut": whole.splitlines(True)[0], "doubled": whole * 2}[damage])
    status, _, err = run("run", plan, 0, "--", "cat")
    reason = "No such file or directory" if damage == "gone" else "not the records of the plan"
    assert (status, err) == (1, f"xnat-shard: read: {file}: {reason}: plan again\n")
    file.write_bytes(whole)
    assert run("run", plan, 0, "--", "cat")[0] == 0


def test_a_command_that_had_to_stop_leaves_the_shard_undone(run: Run, plan: Path) -> None:
    failure = '{"kind":"failure","outcome":"failed","error":{"exit_status":4,"message":"gone"}}'
    status, _, _ = run("run", plan, 0, "--", "sh", "-c", f"echo '{failure}'; exit 4")
    assert status == 4
    assert not list(plan.glob("shard.*.out"))


def test_results_that_the_disk_did_not_take_leave_the_shard_undone(run: Run, plan: Path) -> None:
    """The command failed twice: at a record, which explains its status, and at the disk."""
    no_more_than = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    poison = POISON.replace("sys.exit(8)", "print('x' * 50_000)\nsys.exit(8)")
    command = [sys.executable, "-c", poison]
    words = ["xnat-shard", "run", str(plan), "0", "--", *command]
    starting = f"{no_more_than}import os; os.execvp('xnat-shard', {words})"
    ended = subprocess.run([sys.executable, "-c", starting], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "File too large" in ended.stderr
    assert not list(plan.glob("shard.*.out"))
    status, _, _ = run("run", plan, 0, "--", *command)
    assert (status, len(list(plan.glob("shard.*.out")))) == (8, 1)


def test_what_a_command_leaves_behind_is_not_waited_for(
    run: Run, plan: Path, tmp_path: Path
) -> None:
    waiting = tmp_path / "waiting"
    os.mkfifo(waiting)
    status, (shard,), err = run("run", plan, 0, "--", "sh", "-c", f"read line < '{waiting}' & cat")
    os.close(os.open(waiting, os.O_WRONLY))
    assert (status, shard["outcome"], len(results(plan))) == (0, "done", 2)
    assert "sh has ended, and what it left behind can print nothing more" in err


def test_a_process_that_has_inherited_many_open_files_reads_the_results(plan: Path) -> None:
    words = ["xnat-shard", "run", str(plan), "0", "--", "sh", "-c", "sleep 1; cat"]
    starting = (
        "import os, resource, sys\n"
        "_, most = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 2000), most))\n"
        "held = os.open('/dev/null', os.O_RDONLY)\n"
        "for number in range(held, 1100): os.dup2(held, number)\n"
        f"os.execvp('xnat-shard', {words})"
    )
    ended = subprocess.run([sys.executable, "-c", starting], capture_output=True, text=True)
    assert (ended.returncode, len(results(plan))) == (0, 2), ended.stderr


def test_words_before_the_records_hide_neither_failures_nor_that_it_had_to_stop(
    run: Run, plan: Path
) -> None:
    failure = '{"kind":"failure","outcome":"failed","error":{"exit_status":4,"message":"gone"}}'
    command = f"echo words; echo '{failure}'; cat"
    status, (shard,), _ = run("run", plan, 0, "--", "sh", "-c", command)
    assert (status, list(plan.glob("shard.*.out"))) == (1, [])
    assert (shard["outcome"], shard["error"]["exit_status"]) == ("failed", 1)
    poison = f"print('words')\n{POISON}"
    status, (shard,), _ = run("run", plan, 0, "--", sys.executable, "-c", poison)
    assert (status, shard["failed"], len(results(plan))) == (8, 1, 3)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_any_lease_will_do(run: Run, plan: Path) -> None:
    """More seconds than a clock can hold."""
    status, _, err = run("run", plan, 0, "--lease", "inf", "--", "sleep", "0.1")
    assert (status, err) == (0, "")


def test_a_command_at_its_bound_asks_to_be_run_again(run: Run, plan: Path) -> None:
    left = '{"kind":"scan","id":"1","outcome":"skipped","reason":"max-duration"}'
    status, _, err = run("run", plan, 0, "--", "echo", left)
    assert status == 75
    assert "reached its bound, 1 record is left" in err
    assert not list(plan.glob("shard.*.out"))


def test_an_unknown_command_is_wrong_usage(run: Run, plan: Path) -> None:
    status, _, err = run("run", plan, 0, "--", "no-such-command")
    assert status == 2
    assert err.startswith("xnat-shard: no-such-command: no such command")


def test_an_index_outside_the_plan_is_wrong_usage(run: Run, plan: Path) -> None:
    status, _, err = run("run", plan, 5, "--", "cat")
    assert (status, err.startswith("xnat-shard: shard 5: the plan has the shards 0 to 0")) == (
        2,
        True,
    )


def test_a_shard_of_somebody_who_lives_is_left_alone(run: Run, plan: Path) -> None:
    mark, twice = plan / "mark", plan / "twice"
    first = background(plan, "sh", "-c", f"touch {mark}; sleep 3; cat", lease="1")
    try:
        until(mark)
        status, _, err = run("run", plan, 0, "--", "touch", str(twice))
        assert status == 75
        assert "shard 0 is being run by process" in err
        assert first.wait() == 0
        assert not twice.exists()
    finally:
        first.communicate()


def test_a_shard_of_somebody_who_is_not_heard_of_is_taken_up(run: Run, plan: Path) -> None:
    held_elsewhere(plan, seconds=2)
    status, _, _ = run("run", plan, 0, "--", "cat")
    assert status == 0


def test_a_shard_that_somebody_ends_while_it_is_taken_is_not_run_again(
    run: Run, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Lease.take

    def take_late(lease: Lease) -> bool:
        with monkeypatch.context() as context:
            context.setattr(Lease, "take", take)
            assert run("run", plan, 0, "--", "cat")[0] == 0
        return take(lease)

    monkeypatch.setattr(Lease, "take", take_late)
    status, (shard,), _ = run("run", plan, 0, "--", "false")
    assert (status, shard["outcome"], len(results(plan))) == (0, "skipped", 2)
    folder = Folder(plan)
    assert folder.lease(folder.read().part(0)).holder() is None


def test_sigterm_ends_the_command_and_asks_to_be_run_again(plan: Path, run: Run) -> None:
    mark = plan / "mark"
    command = f"trap 'exit 143' TERM; touch {mark}; sleep 60 2>/dev/null & wait"
    ran = background(plan, "sh", "-c", command)
    until(mark)
    ran.terminate()
    _, err = ran.communicate(timeout=30)
    assert ran.returncode == 75
    assert err == "xnat-shard: shard 0: terminated; run it again\n"
    assert not list(plan.glob("shard.*.out")) and not list(plan.glob(".*.part"))
    assert run("run", plan, 0, "--", "cat")[0] == 0


def test_a_run_that_was_killed_takes_its_command_with_it_and_can_be_repeated(
    plan: Path, run: Run
) -> None:
    mark = plan / "mark"
    ran = background(
        plan, "sh", "-c", f"echo half; echo $$ > {mark}.new; mv {mark}.new {mark}; exec sleep 60"
    )
    until(mark)
    # The command may be quicker than the one that opens the file for what it prints.
    end = time.monotonic() + 30
    while not list(plan.glob(".*.part")):
        assert time.monotonic() < end
        time.sleep(0.02)
    ran.kill()
    ran.communicate()
    end = time.monotonic() + 10
    while Path(f"/proc/{mark.read_text().strip()}").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert list(plan.glob(".*.part"))
    assert run("run", plan, 0, "--", "cat")[0] == 0
    assert len(results(plan)) == 2 and not list(plan.glob(".*.part"))


def test_a_run_that_stood_still_too_long_publishes_nothing(plan: Path) -> None:
    mark = plan / "mark"
    ran = background(plan, "sh", "-c", f"touch {mark}; exec sleep 60", lease="1")
    until(mark)
    os.kill(ran.pid, signal.SIGSTOP)
    time.sleep(1.5)
    assert Lease(plan / "shard.0000.lease").take()
    os.kill(ran.pid, signal.SIGCONT)
    _, err = ran.communicate(timeout=30)
    assert ran.returncode == 1
    assert "taken by somebody else" in err
    assert not list(plan.glob("shard.*.out"))


def test_a_run_whose_shard_was_taken_at_the_last_moment_publishes_nothing(
    run: Run, plan: Path
) -> None:
    """Before a sign of life was due, so that nothing has told it."""
    command = f"cat; touch {plan}/shard.0000.lease/00000002"
    status, _, err = run("run", plan, 0, "--", "sh", "-c", command)
    assert (status, "the lease was lost" in err) == (1, True), err
    assert not list(plan.glob("shard.*.out"))
