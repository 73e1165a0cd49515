"""What `xnatctl` knows, as data: the documented commands, and the tools of the toolbox."""

from __future__ import annotations

# The documented command -> the words that stand for it. A command that is not here is looked up as
# a tool: `xnatctl prearchive list` runs `xnat-prearchive list`.
ALIASES = {
    "config init": "xnat-auth profile init",
    "config add-profile": "xnat-auth profile add",
    "config use-context": "xnat-auth profile use",
    "config current-context": "xnat-auth profile current --quiet",
    "config show": "xnat-auth profile show",
    "config remove-profile": "xnat-auth profile remove",
    "auth login": "xnat-auth login",
    "auth logout": "xnat-auth logout",
    "auth status": "xnat-auth status",
    "auth test": "xnat-auth test",
    "whoami": "xnat-auth whoami",
    "health ping": "xnat-rest ping",
    "api get": "xnat-rest get",
    "api post": "xnat-rest post",
    "api put": "xnat-rest put",
    "api delete": "xnat-rest delete",
    "project list": "xnat-ls projects",
    "project show": "xnat-ls projects --long",
    "project create": "xnat-edit create project",
    "project delete": "xnat-edit delete project",
    "project set": "xnat-edit set --only project",
    "project transfer": "xnat-transfer run",
    "project transfer-check": "xnat-transfer check",
    "project transfer-status": "xnat-transfer status",
    "project transfer-history": "xnat-transfer history",
    "project transfer-init": "xnat-transfer init",
    "subject list": "xnat-ls subjects",
    "subject show": "xnat-ls subjects --long",
    "subject delete": "xnat-edit delete subject",
    "subject rename": "xnat-edit rename subject",
    "subject create": "xnat-edit create subject",
    "subject merge": "xnat-edit merge subject",
    "subject share": "xnat-edit share --only subject",
    "subject unshare": "xnat-edit unshare --only subject",
    "subject set": "xnat-edit set --only subject",
    "session list": "xnat-ls sessions",
    "session show": "xnat-ls sessions --long",
    "session upload": "xnat-upload dicom",
    "session upload-exam": "xnat-upload exam",
    "session upload-dicom": "xnat-cstore send",
    "session download": "xnat-download session",
    "session create": "xnat-edit create session",
    "session rename": "xnat-edit rename session",
    "session move": "xnat-edit move",
    "session share": "xnat-edit share --only session",
    "session unshare": "xnat-edit unshare --only session",
    "session set": "xnat-edit set --only session",
    "session delete": "xnat-edit delete session",
    "scan list": "xnat-ls scans",
    "scan show": "xnat-ls scans --long",
    "scan delete": "xnat-edit delete scans",
    "scan set": "xnat-edit set --only scan",
    "scan download": "xnat-download scans",
    "resource list": "xnat-ls resources",
    "resource show": "xnat-ls resources --long",
    "resource upload": "xnat-upload resource",
    "resource download": "xnat-download resource",
    "resource create": "xnat-edit create resource",
    "resource delete": "xnat-edit delete resource",
    "local extract": "xnat-download extract",
}

# Documented commands that begin with the name of a tool, and are the work of another.
ELSEWHERE = {"prearchive settings": "xnat-admin prearchive-setting"}

# `session upload --transport …` is another tool for another protocol.
TRANSPORTS = {"rest": "xnat-upload dicom", "cstore": "xnat-cstore send"}

NOUNS = {
    "config": "profiles: servers, logins, defaults",
    "auth": "log in and out",
    "health": "is the server there",
    "api": "one raw REST request",
    "project": "projects, and their transfer to another server",
    "subject": "subjects of a project",
    "session": "imaging sessions: list, upload, download",
    "scan": "scans of a session",
    "resource": "resources of a session or scan, and their files",
    "local": "files on this machine",
}

# Executable and distribution have the same name.
TOOLS = {
    "xnat-admin": "server information, catalogs, users, audit, site configuration",
    "xnat-auth": "log in and out, who am I, profiles",
    "xnat-cstore": "send DICOM by C-STORE",
    "xnat-dicom": "local DICOM files: validate, inspect, tags, anonymize",
    "xnat-download": "sessions, scans, resources, files to disk",
    "xnat-edit": "create, rename, merge, share, set, delete",
    "xnat-ls": "list anything in the hierarchy",
    "xnat-pipeline": "pipelines and jobs",
    "xnat-prearchive": "the staging area: list, archive, delete, rebuild, move",
    "xnat-rest": "raw REST: get, post, put, delete, ping",
    "xnat-sandbox": "a small XNAT of your own, for trying things out",
    "xnat-shard": "split a record stream for many machines, collect the results",
    "xnat-transfer": "projects from server to server",
    "xnat-upload": "DICOM sessions, exam folders, resources to the server",
}

BUILT_IN = {
    "completion": "print a completion script for bash, zsh or fish",
    "help": "show this text, or that of a topic",
    "tools": "list the installed tools with their versions",
}

# The options that every tool shares; those before the command are handed on to it. Those with a
# value stand in xnat_core.parsing as well, which would cost a start of its own to import here.
VALUED = frozenset(
    (
        "-p",
        "--profile",
        "--url",
        "-u",
        "--username",
        "--password",
        "-o",
        "--output",
        "--where",
        "--columns",
        "--max-connections",
        "--reason",
    )
)
SWITCHES = frozenset(
    ("-q", "--quiet", "-v", "--verbose", "--password-stdin", "--no-headers", "--no-color")
)
