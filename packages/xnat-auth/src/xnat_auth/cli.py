"""Log in to XNAT and out, see who you are, keep profiles of servers.

Usage:
  xnat-auth <command> [options]

Commands:
  login            Log in and keep the session for the tools that follow.
  logout           End the session on the server and forget it.
  status           What is configured and cached, without asking the server.
  test             Ask the server whether the login works.
  whoami           Who the server takes you for, and your projects.
  token issue      Issue an alias token, for jobs that shall hold no password.
  token list       The alias tokens that are alive.
  token revoke     End alias tokens.
  profile init     Make the first profile, and the configuration file with it.
  profile add      Add a profile.
  profile use      Choose the default profile.
  profile current  Print the name of the default profile.
  profile show     Show the configuration, never its passwords.
  profile remove   Remove a profile.

'xnat-auth <command> --help' explains each.

Examples:
  xnat-auth profile init --url https://xnat.example.org --project NEURO
  xnat-auth login
  xnat-auth whoami
"""

from __future__ import annotations

from collections.abc import Sequence

from xnat_auth import __version__
from xnat_core.run import Command, run

_TOKEN = ("id", "username", "created_at", "expires_at")

COMMANDS = {
    "login": Command("xnat_auth.login", layout="facts", identifier="username"),
    "logout": Command("xnat_auth.logout", layout="facts", identifier="url"),
    "status": Command("xnat_auth.status", layout="facts", identifier="url"),
    "test": Command("xnat_auth.test", layout="facts", identifier="username"),
    "whoami": Command("xnat_auth.whoami", layout="facts", identifier="username"),
    "token issue": Command("xnat_auth.token_issue", layout="facts"),
    "token list": Command("xnat_auth.token_list", listing=True, columns=_TOKEN),
    "token revoke": Command("xnat_auth.token_revoke", changes=True, columns=("id", "outcome")),
    "profile init": Command(
        "xnat_auth.profile_init", server=False, layout="facts", identifier="name"
    ),
    "profile add": Command(
        "xnat_auth.profile_add", server=False, layout="facts", identifier="name"
    ),
    "profile use": Command(
        "xnat_auth.profile_use", server=False, layout="facts", identifier="name"
    ),
    "profile current": Command(
        "xnat_auth.profile_current", columns=("name",), server=False, identifier="name"
    ),
    "profile show": Command(
        "xnat_auth.profile_show",
        server=False,
        layout="facts",
        identifier="default_profile",
    ),
    "profile remove": Command(
        "xnat_auth.profile_remove", server=False, layout="facts", identifier="name"
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run xnat-auth."""
    return run("xnat-auth", __version__, __doc__, COMMANDS, argv)
