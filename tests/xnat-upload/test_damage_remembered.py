"""What the journal says of damage counts until the same file has arrived well."""

from __future__ import annotations

import hashlib

from support.uploads import Uploader
from xnat_core.journal import Accepted, Journal
from xnat_upload.damage import NO_SIZE
from xnat_upload.headers import read_file

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def test_damage_that_was_mended_is_no_reason_to_replace_what_has_changed(upload: Uploader) -> None:
    files = upload.series(instances=2)
    assert upload(upload.folder, *HERE).status == 0
    accepted = []
    for path in files:
        header, found = read_file(path), path.stat()
        assert header is not None
        digest = hashlib.md5(path.read_bytes()).hexdigest()
        name = f"{header.uid}.dcm"
        accepted.append(Accepted(name, str(path), found.st_size, found.st_mtime_ns, digest, ""))
    damage = Accepted(accepted[0].name, accepted[0].path, NO_SIZE, 1, "", "")
    # A run that was killed when all had been archived.
    with Journal(upload.xnat.url, "P1", "S1", "E1") as journal:
        journal.add([damage, *accepted])
    changed = files[1]
    old = changed.read_bytes()
    changed.write_bytes(old[:-4] + b"news")
    ran = upload(upload.folder, *HERE, "--overwrite", "append")
    assert ran.status == 0, ran.err
    assert old in upload.archived()["1"].values()
