"""Every instance arrives once, bit-identical in its data set, at receivers of others."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AllStoragePresentationContexts

from support.receivers import Archive, Orthanc, StoreSCP, at, sample
from xnat_core.dicom_files import walk
from xnat_cstore import wire
from xnat_cstore.contexts import Wanted, forms_of, in_rounds
from xnat_cstore.instance import Instance, read_instance
from xnat_sandbox.samples import instance_of, write_series

if TYPE_CHECKING:
    from conftest import MakeSCP, MakeStoreSCP, Run

SIEMENS_NON_IMAGE = "1.3.12.2.1107.5.9.1"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
SAMPLES = {
    "MR": "MR_small.dcm",
    "CT": "CT_small.dcm",
    "RT structure set, no preamble, implicit": "rtstruct.dcm",
    "RT plan": "rtplan.dcm",
    "RT dose, many frames": "rtdose.dcm",
    "SR": "test-SR.dcm",
    "segmentation": "liver_1frame.dcm",
    "waveform": "waveform_ecg.dcm",
    "JPEG baseline": "SC_rgb_jpeg_dcmtk.dcm",
    "JPEG lossless": "SC_rgb_jpeg_gdcm.dcm",
    "JPEG extended": "JPEG-lossy.dcm",
    "JPEG-LS": "MR_small_jpeg_ls_lossless.dcm",
    "JPEG 2000": "JPEG2000.dcm",
    "JPEG 2000 lossless": "MR_small_jp2klossless.dcm",
    "RLE": "MR_small_RLE.dcm",
    "implicit": "MR_small_implicit.dcm",
    "big endian": "MR_small_bigendian.dcm",
    "big endian, no preamble": "ExplVR_BigEndNoMeta.dcm",
    "explicit, no preamble": "ExplVR_LitEndNoMeta.dcm",
    "deflated": "image_dfl.dcm",
}


def scanned(path: Path) -> Instance:
    (found,) = walk([path], lambda trouble: None)
    instance = read_instance(found)
    assert instance is not None
    return instance


def data_set(path: Path) -> bytes:
    """The data set in a file as it stands there."""
    return path.read_bytes()[scanned(path).offset :]


def even(data: bytes) -> bytes:
    """As DICOM carries it: fragments have an even length."""
    return data + b"\0" * (len(data) % 2)


def enhanced(path: Path, frames: int = 20) -> Path:
    """A multi-frame object whose frames are described by a sequence."""
    dataset = instance_of(rows=32)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(ENHANCED_MR)
    dataset.NumberOfFrames = frames
    dataset.PerFrameFunctionalGroupsSequence = []
    for number in range(frames):
        frame = Dataset()
        frame.FrameContentSequence = [Dataset()]
        frame.FrameContentSequence[0].StackID = str(number)
        dataset.PerFrameFunctionalGroupsSequence.append(frame)
    dataset.PixelData = os.urandom(2 * 32 * 32 * frames)
    dataset.save_as(path, enforce_file_format=True)
    return path


def of_class(path: Path, sop_class: str, private: bool = False) -> Path:
    """An object of any class, with a private block before its study."""
    dataset = instance_of()
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    if private:
        dataset.private_block(0x0019, "SIEMENS", create=True).add_new(1, "OB", b"x" * 70000)
    dataset.save_as(path, enforce_file_format=True)
    return path


def without_uids(path: Path) -> Path:
    """A file whose data set has no SOP UIDs: they stand in the file meta group only."""
    dataset = instance_of(instance=77)
    del dataset.SOPClassUID
    del dataset.SOPInstanceUID
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("name", SAMPLES.values(), ids=SAMPLES.keys())
def test_a_data_set_arrives_at_storescp_as_it_is(name: str, run: Run, storescp: StoreSCP) -> None:
    path = sample(name)
    status, records, err = run("send", path, *at(storescp.port))
    assert (status, err) == (0, "")
    assert [(r["files"], r["outcome"]) for r in records] == [(1, "done")]
    (received,) = storescp.folder.iterdir()
    assert data_set(received) == even(data_set(path))
    assert scanned(received).pair == scanned(path).pair


def test_made_up_objects_arrive_at_storescp_as_they_are(
    run: Run, make_storescp: MakeStoreSCP, tmp_path: Path
) -> None:
    # Promiscuous: it takes private SOP classes, too.
    storescp = make_storescp("--fork", "-pm")
    folder = tmp_path / "sent"
    pet = write_series(folder, modality="PT", instances=3)
    paths = [
        *pet,
        enhanced(folder / "enhanced.dcm"),
        of_class(folder / "private.dcm", SIEMENS_NON_IMAGE, private=True),
        without_uids(folder / "meta-only.dcm"),
    ]
    status, _, err = run("send", folder, *at(storescp.port))
    assert (status, err) == (0, "")
    received = {scanned(path).uid: path for path in storescp.folder.iterdir()}
    assert len(received) == len(paths)
    for path in paths:
        assert data_set(received[scanned(path).uid]) == data_set(path)


def test_an_instance_is_sent_under_the_name_that_its_data_set_gives(
    run: Run, storescp: StoreSCP, tmp_path: Path
) -> None:
    dataset = instance_of()
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset.file_meta.MediaStorageSOPClassUID = UID(ENHANCED_MR)
    dataset.save_as(tmp_path / "two-names.dcm", enforce_file_format=True)
    status, _, err = run("send", tmp_path / "two-names.dcm", *at(storescp.port))
    assert (status, err) == (0, "")
    (received,) = storescp.folder.iterdir()
    # A receiver writes the head anew, from the command.
    head = pydicom.dcmread(received).file_meta
    assert head.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert head.MediaStorageSOPClassUID == dataset.SOPClassUID


def test_orthanc_has_every_instance_once(run: Run, orthanc: Orthanc) -> None:
    paths = [sample(name) for name in SAMPLES.values() if "NoMeta" not in name]
    by_uid = {scanned(path).uid: path for path in paths}
    status, _, err = run("send", *by_uid.values(), *at(orthanc.port), "-w", "3")
    assert (status, err) == (0, "")
    files = orthanc.files()
    assert sorted(files) == sorted(by_uid)
    for uid, data in files.items():
        theirs = pydicom.dcmread(io.BytesIO(data))
        ours = pydicom.dcmread(by_uid[uid], force=True)
        for element in theirs:
            if not element.tag.is_private and element.VR not in ("SQ", "PN"):
                assert element.value == ours[element.tag].value, element


def test_the_sandbox_has_every_instance_once(run: Run, archive: Archive, tmp_path: Path) -> None:
    paths = write_series(tmp_path / "sent", instances=12)
    status, records, _ = run("send", tmp_path / "sent", *at(archive.port, "XNAT"), "-P", "P1")
    assert (status, records[0]["files"], records[0]["project"]) == (0, 12, "P1")
    files = list((archive.xnat.data / "prearchive").rglob("*.dcm"))
    assert {scanned(path).uid for path in files} == {scanned(path).uid for path in paths}
    assert len(files) == 12


@pytest.mark.parametrize("longest", [0, 128, 4096, 65536, 1 << 22])
def test_any_length_of_pdu_is_kept_to(
    longest: int, run: Run, make_scp: MakeSCP, tmp_path: Path
) -> None:
    scp = make_scp(longest_pdu=longest)
    path = enhanced(tmp_path / "a.dcm", frames=700 if longest != 128 else 3)
    assert run("send", path, *at(scp.port))[0] == 0
    ((_, data),) = scp.received
    assert data == data_set(path)


def test_more_pairs_than_an_association_can_have_go_in_rounds(
    run: Run, make_scp: MakeSCP, tmp_path: Path
) -> None:
    classes = [str(context.abstract_syntax) for context in AllStoragePresentationContexts][:130]
    scp = make_scp()
    for number, sop_class in enumerate(classes * 2):
        of_class(tmp_path / f"{number:03}.dcm", sop_class)
    status, records, err = run("send", tmp_path, *at(scp.port), "-w", "2")
    assert (status, err, records[0]["files"]) == (0, "", 260)
    assert len(set(scp.uids)) == len(scp.uids) == 260
    proposed = [pairs for pairs in scp.associations if len(pairs) > 1]
    assert max(map(len, proposed)) <= 128
    # The second round has nothing of the first.
    late = [pairs for pairs in scp.associations if (classes[129], ExplicitVRLittleEndian) in pairs]
    assert late and all(len(pairs) <= 2 for pairs in late)


pairs = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["1.2.840.10008.1.2.4.50", "x"]))


@given(st.lists(pairs), st.integers(2, 9), st.booleans())
def test_rounds_have_room_and_lose_nothing(
    found: list[tuple[str, str]], most: int, transcode: bool
) -> None:
    instances = [
        Instance(Path(str(n)), 1, 1, 0, sop_class, str(n), "", syntax)
        for n, (sop_class, syntax) in enumerate(found)
    ]
    wanted = Wanted(transcode=transcode, most=most)
    passed = []
    for item in in_rounds(iter(instances), wanted):
        assert isinstance(item, Instance)
        assert set(forms_of(item.pair, transcode)) <= set(wanted(item.pair))
        passed.append(item)
    # Also when all rounds have begun: instances of the first may still be on their way.
    for item in passed:
        assert set(forms_of(item.pair, transcode)) <= set(wanted(item.pair))
        assert len(wanted(item.pair)) <= most
    assert sorted(passed, key=lambda one: int(one.uid)) == instances


@pytest.mark.skipif(wire._QUICKACK is None, reason="this system has no TCP_QUICKACK")
def test_a_receiver_as_it_comes_is_not_waited_for_at_every_file(
    run: Run, storescp: StoreSCP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path / "sent", instances=60)

    def seconds() -> float:
        begin = time.monotonic()
        assert run("send", tmp_path / "sent", *at(storescp.port), "-w", "1", "--resend")[0] == 0
        return time.monotonic() - begin

    fast = seconds()
    monkeypatch.setattr(wire, "_QUICKACK", None)
    # Each answer comes in two parts, and the second waits 40 ms for our acknowledgement.
    assert seconds() > 60 * 0.03
    assert fast < 60 * 0.03


def test_memory_does_not_grow_with_the_file(make_storescp: MakeStoreSCP, tmp_path: Path) -> None:
    storescp = make_storescp("--fork")
    path = tmp_path / "large.dcm"
    size = 300_000_000
    dataset = instance_of()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    del dataset.PixelData
    dataset.save_as(path, enforce_file_format=True)
    with path.open("ab") as file:
        file.write(b"\xe0\x7f\x10\x00OW\0\0" + size.to_bytes(4, "little"))
        file.truncate(file.tell() + size)
    words = ["send", str(path), *at(storescp.port), "-P", "P1"]
    program = (
        "import sys; from xnat_cstore.cli import main; status = main(sys.argv[1:]);"
        "sys.stderr.write(open('/proc/self/status').read()); sys.exit(status)"
    )
    ran = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    peak = re.search(r"VmHWM:\s+(\d+) kB", ran.stderr)
    assert peak and int(peak[1]) < 150_000
    (received,) = storescp.folder.iterdir()
    assert received.stat().st_size > size
    received.unlink()
