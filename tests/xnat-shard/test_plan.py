"""Splitting a stream of records."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.memory import PEAK
from support.shards import Records, Run, scans
from xnat_shard.balance import assign
from xnat_shard.plan import _Pile


def planned(folder: Path) -> list[list[str]]:
    """The ids in each shard."""
    return [
        sorted(json.loads(line)["id"] for line in path.read_text().splitlines())
        for path in sorted(folder.glob("shard.*.in"))
    ]


def plan(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    return found


def skewed(count: int) -> Records:
    """Many small records and a few large ones, as scans are."""
    chance = random.Random(7)
    return scans(*(int(chance.paretovariate(1.2) * 1e6) % 10**11 for _ in range(count)))


def test_every_record_is_in_one_shard(run: Run, folder: Path) -> None:
    status, shards, _ = run("plan", folder, "-n", 3, records=scans(*range(1, 21)))
    assert status == 0
    assert sorted(id for ids in planned(folder) for id in ids) == sorted(map(str, range(20)))
    assert [shard["id"] for shard in shards] == ["0", "1", "2"]
    assert sum(shard["records"] for shard in shards) == 20


def test_the_bytes_of_a_skewed_list_are_balanced_within_ten_percent(run: Run, folder: Path) -> None:
    _, shards, _ = run("plan", folder, "-n", 8, records=skewed(10_000))
    sizes = [shard["size"] for shard in shards]
    assert max(sizes) <= 1.1 * sum(sizes) / 8
    assert min(sizes) >= 0.9 * sum(sizes) / 8


def test_the_order_of_the_records_does_not_matter(run: Run, folder: Path) -> None:
    records = skewed(200)
    run("plan", folder, "-n", 5, records=records)
    first, digest = planned(folder), plan(folder)["digest"]
    run("plan", folder, "-n", 5, records=reversed(records))
    assert (planned(folder), plan(folder)["digest"]) == (first, digest)


def test_most_records_stay_where_they_were_when_some_are_added(run: Run, folder: Path) -> None:
    run("plan", folder, "-n", 4, records=skewed(1000))
    before = {id: n for n, ids in enumerate(planned(folder)) for id in ids}
    run("plan", folder, "-n", 4, records=skewed(1010))
    after = {id: n for n, ids in enumerate(planned(folder)) for id in ids}
    assert sum(after[id] == shard for id, shard in before.items()) > 800


def test_records_without_a_size_count_by_their_files(run: Run, folder: Path) -> None:
    known = {"kind": "scan", "uri": "/known", "id": "k", "size": 100, "file_count": 10}
    many = {"kind": "scan", "uri": "/many", "id": "m", "file_count": 10}
    few = [{"kind": "scan", "uri": f"/few{n}", "id": f"f{n}", "file_count": 2} for n in range(5)]
    run("plan", folder, "-n", 3, records=[known, many, *few])
    assert sorted(planned(folder)) == [["f0", "f1", "f2", "f3", "f4"], ["k"], ["m"]]


def test_failed_and_planned_records_are_handed_on(run: Run, folder: Path) -> None:
    error = {"type": "NetworkError", "message": "gone", "exit_status": 4}
    failed = {"kind": "scan", "id": "9", "outcome": "failed", "error": error}
    dry = {"kind": "scan", "id": "8", "outcome": "planned"}
    status, out, _ = run("plan", folder, "-n", 1, records=[failed, dry, *scans(1)])
    assert (status, out[:2]) == (4, [failed, dry])
    assert planned(folder) == [["0"]]


def test_there_may_be_more_shards_than_records(run: Run, folder: Path) -> None:
    _, shards, _ = run("plan", folder, "-n", 4, records=scans(1))
    assert sorted(shard["records"] for shard in shards) == [0, 0, 0, 1]


def test_the_number_of_shards_is_needed(run: Run, folder: Path) -> None:
    status, _, err = run("plan", folder)
    assert status == 2
    assert err.startswith("xnat-shard: --shards is needed")


def test_a_new_plan_leaves_no_records_of_the_old_one(run: Run, folder: Path) -> None:
    run("plan", folder, "-n", 5, records=scans(1, 2, 3, 4, 5))
    run("plan", folder, "-n", 2, records=scans(1, 2, 3))
    assert sorted(id for ids in planned(folder) for id in ids) == ["0", "1", "2"]
    assert len(list(folder.iterdir())) == 3


def test_a_shard_that_is_run_meanwhile_takes_nothing_from_a_new_plan(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("plan", folder, "-n", 1, records=scans(1))
    write = _Pile.flush

    def write_while_it_is_run(pile: _Pile) -> None:
        write(pile)
        status, _, _ = run("run", folder, 0, "--", "sh", "-c", "cat; exit 3")
        assert status == 3

    monkeypatch.setattr(_Pile, "flush", write_while_it_is_run)
    monkeypatch.setattr("xnat_shard.plan._BUFFERED", 0)
    run("plan", folder, "-n", 1, records=scans(1, 2, 3))
    assert planned(folder) == [["0", "1", "2"]]


@given(st.lists(st.integers(1, 10**12), max_size=200), st.integers(1, 20))
def test_no_shard_exceeds_the_mean_by_more_than_one_record(loads: list[int], shards: int) -> None:
    where = assign(loads, [load * 2654435761 % 2**64 for load in loads], shards)
    filled = [0] * shards
    for load, shard in zip(loads, where, strict=True):
        filled[shard] += load
    assert max(filled) <= sum(loads) / shards + max(loads, default=0)


@pytest.mark.timeout(120)
def test_three_hundred_thousand_records_need_little_memory(folder: Path, tmp_path: Path) -> None:
    """Bound per record: a third of a million, so that the suite stays quick."""
    lines = tmp_path / "records.ndjson"
    with lines.open("w") as file:
        for number in range(300_000):
            file.write(
                f'{{"kind":"scan","server":"https://xnat.example","uri":"/data/experiments/E{number}'
                f'/scans/1","id":"1","session":"S{number}","size":{number * 7919 % 10**9}}}\n'
            )
    program = (
        f"{PEAK}import sys; from xnat_shard.cli import main; "
        "status = main(['plan', sys.argv[1], '-n', '64', '-q']); "
        "print(peak(), file=sys.stderr); sys.exit(status)"
    )
    with lines.open() as file:
        ran = subprocess.run(
            [sys.executable, "-c", program, folder], stdin=file, capture_output=True, text=True
        )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stderr) < 150 * 1024
    assert plan(folder)["records"] == 300_000


def test_nothing_that_speaks_http_is_imported(folder: Path) -> None:
    program = (
        "import sys; from xnat_shard.cli import main; "
        "statuses = [main(words.split(' ')) for words in sys.argv[1:]]; "
        "print(statuses, *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    verbs = [f"plan {folder} -n 1", f"run {folder} 0 -- cat", f"status {folder}"]
    words = [sys.executable, "-c", program, *verbs, f"collect {folder}"]
    ran = subprocess.run(words, input='{"kind":"scan","id":"1"}', capture_output=True, text=True)
    said = ran.stderr.splitlines()[-1]
    assert said.startswith("[0, 0, 0, 0] ")
    assert not {"http", "requests", "urllib3"} & set(said.split())
