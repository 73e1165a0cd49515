"""One local file or folder put into a resource, as the library offers it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnat_core.archive.members import Member
from xnat_core.services.filling import fill, plan_fill, unpack
from xnat_core.services.homes import Home
from xnat_core.services.local_members import members_below

if TYPE_CHECKING:
    from xnat_core.client import XNATClient


def send_file(
    client: XNATClient, home: Home, label: str, local: Path, *, extract: bool, overwrite: bool
) -> dict[str, Any]:
    """Send one file; see `ResourceService.upload_file`."""
    size = local.stat().st_size
    facts = {"success": True, "file": str(local), "size": size, "extracted": extract}
    if extract:
        unpack(client, home, label, local, overwrite=overwrite)
    else:
        members = [Member.of(local, local.name)]
        plan = plan_fill(client, home, label, members, overwrite=overwrite)
        fill(client, home, label, plan, overwrite=overwrite)
    return facts


def send_folder(
    client: XNATClient, home: Home, label: str, local: Path, *, overwrite: bool
) -> dict[str, Any]:
    """Send a folder; see `ResourceService.upload_directory`."""
    members = members_below(local)
    plan = plan_fill(client, home, label, members, overwrite=overwrite)
    fill(client, home, label, plan, overwrite=overwrite)
    return {
        "success": True,
        "file": str(local),
        "files": len(members),
        "size": sum(member.size for member in members),
        "extracted": True,
    }
