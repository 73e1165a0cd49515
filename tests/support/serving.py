"""Transfers and administration as scenarios of the fault matrix; see `support.scenarios`."""

from __future__ import annotations

import json

from support.editing import Furnished
from support.scenarios import Case, Scenario, digests
from support.transfers import everything, series, series_uid, study_of
from xnat_core.private_files import write_private
from xnat_core.user_paths import config_file


def transfer(case: Case) -> Furnished:
    """`xnat-transfer run` of a session with two series and a resource, within one server."""
    source, dest = case.project, f"{case.project}_COPY"
    case.xnat.has_project(dest)
    session = case.xnat.has_session(
        source,
        "S1",
        "E1",
        resources={"NOTES": {"d/e.txt": case.random(333), "f.bin": case.random(50_000)}},
        UID=study_of("S1", "E1"),
    )
    for number in (1, 2):
        scan = case.xnat.has_scan(session, str(number), series("S1", "E1", number, "MR", 2))
        fields = {"UID": series_uid("S1", "E1", number)}
        case.xnat.store.items.update_scan(scan.number, fields=fields, user="admin")
    login = {"url": case.url, "username": "admin", "password": "admin"}
    profiles = {"source": login, "dest": login}
    document = {"default_profile": "source", "profiles": profiles}
    write_private(config_file(), json.dumps(document).encode())
    settings = case.folder / "transfer.yaml"
    settings.write_text(json.dumps({"scan_retry_delay": 0}))
    ends = ["-p", "source", "-P", source, "--dest-profile", "dest", "--dest-project", dest]
    return ["run", *ends, "--config", str(settings)], []


def is_transferred(case: Case) -> bool:
    """Whether both projects hold the same, and nothing is left on the way."""
    copy = f"{case.project}_COPY"
    there = everything(case.xnat, copy)
    return len(there) == 6 and there == everything(case.xnat, case.project) and not case.staged()


def user_add(case: Case) -> Furnished:
    """`xnat-admin user add` to a project."""
    case.xnat.has_project(case.project)
    user, _ = case.xnat.has_user(f"user{case.number}")
    return ["user", "add", user, "--projects", case.project, "--role", "collaborator"], []


def is_member(case: Case) -> bool:
    """Whether the user is in that group and in no other."""
    return case.xnat.store.accounts.groups(f"user{case.number}") == [f"{case.project}_collaborator"]


def refresh(case: Case) -> Furnished:
    """`xnat-admin refresh-catalogs` of a project whose files have no digests."""
    case.xnat.has_session(case.project, "S1", "E1", {"1": {"a.dcm": case.random(500)}})
    return ["refresh-catalogs", case.project, "-O", "checksum"], []


def has_digests(case: Case) -> bool:
    """Whether the listing has the digest of the file."""
    session = case.session()
    rows = case.xnat.rows(f"{session['uri']}/scans/1/files?format=json")
    return [row["digest"] for row in rows] == list(digests([case.random(500)]))


SERVING = {
    "transfer": Scenario("xnat_transfer", transfer, is_transferred, ()),
    "user add": Scenario("xnat_admin", user_add, is_member),
    "refresh catalogs": Scenario("xnat_admin", refresh, has_digests),
}
