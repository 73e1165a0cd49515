"""Look after an XNAT: version, catalogs, users, audit, site configuration.

Usage:
  xnat-admin <command> [options]

Commands:
  info                What the server is: URL, version, build.
  version             The same.
  refresh-catalogs    Have the server look again at the files of sessions.
  user list           The users of the server, or of a project.
  user add            Put users into groups of projects.
  user remove         Take users out of groups of projects.
  audit               Who changed what, and when.
  site-config get     Read the site configuration.
  site-config set     Change the site configuration.
  prearchive-setting  What projects do with data that arrives.

'xnat-admin <command> --help' explains each.

Examples:
  xnat-admin user add alice --projects NEURO,OPEN --role collaborator
  xnat-admin audit -P NEURO --since 7d --action delete
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_admin import __version__
from xnat_core.run import Command, run

_MEMBERSHIP = ("username", "group", "project", "role", "outcome")

COMMANDS = {
    "info": Command("xnat_admin.info", layout="facts", identifier="version"),
    "version": Command("xnat_admin.version", layout="facts", identifier="version"),
    "refresh-catalogs": Command(
        "xnat_admin.refresh_catalogs",
        columns=("project", "label", "id", "outcome"),
        aliases={"--no-parallel": ("--workers=1",), "--parallel": ()},
    ),
    "user list": Command(
        "xnat_admin.user_list",
        listing=True,
        columns=("username", "firstname", "lastname", "email", "enabled", "groups"),
        identifier="username",
    ),
    "user add": Command(
        "xnat_admin.user_add", changes=True, columns=_MEMBERSHIP, identifier="group"
    ),
    "user remove": Command(
        "xnat_admin.user_remove", changes=True, columns=_MEMBERSHIP, identifier="group"
    ),
    "audit": Command(
        "xnat_admin.audit", columns=("timestamp", "user", "action", "resource", "project")
    ),
    "site-config get": Command(
        "xnat_admin.site_config_get", listing=True, columns=("id", "value"), identifier="value"
    ),
    "site-config set": Command(
        "xnat_admin.site_config_set", columns=("id", "value", "was", "outcome")
    ),
    "prearchive-setting": Command(
        "xnat_admin.prearchive_setting", columns=("id", "prearchive_code", "prearchive_setting")
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-admin."""
    return run("xnat-admin", __version__, __doc__, COMMANDS, argv)
