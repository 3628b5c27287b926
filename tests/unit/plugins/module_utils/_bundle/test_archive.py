# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive of a bundle: written in one form, and everything else refused with a sentence that says where."""

from __future__ import annotations

import io
import os
import tarfile

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle import archive as archive_module
from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.archive import (
    header,
    manifest_of,
    open_archive,
    write_archive,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._bundle.bundles import (
    CONTENTS,
    blob_of,
    bundle_at,
    files_of,
)


def whole(path):
    """Everything that is done before anything of a bundle is used."""
    with open_archive(str(path)) as archive:
        manifest = manifest_of(archive)
        archive.check()
        return manifest


def refusal(path):
    with pytest.raises(SourceError) as caught:
        whole(path)
    assert caught.value.step == "bundle"
    assert str(path) in caught.value.message
    return caught.value.message


def test_what_was_written_is_read(tmp_path):
    manifest = bundle_at(tmp_path / "a.tar")
    assert whole(tmp_path / "a.tar") == manifest
    with open_archive(str(tmp_path / "a.tar")) as archive:
        for content in CONTENTS:
            target = tmp_path / blob_of(content).digest
            archive.copy(blob_of(content).member, str(target))
            assert target.read_bytes() == content
        assert archive.read("index.json") == b"{}"


def test_tar_itself_reads_it(tmp_path):
    bundle_at(tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar", "r:") as reader:
        members = reader.getmembers()
    names = [member.name for member in members]
    assert names == sorted(names)
    assert {(member.mtime, member.uid, member.gid, member.mode, member.uname) for member in members} == {
        (0, 0, 0, 0o644, "")
    }


def test_equal_content_has_equal_bytes(tmp_path):
    bundle_at(tmp_path / "a.tar")
    bundle_at(tmp_path / "b.tar", tuple(reversed(CONTENTS)))
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


@pytest.mark.parametrize("step", range(0, 9))
def test_one_that_is_cut_off_is_refused_wherever_that_is(tmp_path, step):
    bundle_at(tmp_path / "a.tar")
    content = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(content[: len(content) * step // 9])
    assert "ends" in refusal(tmp_path / "a.tar")


def test_each_byte_that_is_changed_is_found(tmp_path):
    bundle_at(tmp_path / "a.tar")
    content = (tmp_path / "a.tar").read_bytes()
    for position in range(0, len(content), 13):
        changed = bytearray(content)
        changed[position] ^= 0x20
        (tmp_path / "a.tar").write_bytes(bytes(changed))
        refusal(tmp_path / "a.tar")


def tar_of(path, *members, files=None):
    """An archive by tarfile, with members that are no plain files behind (or among) those of a good one."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as writer:
        for name, content in sorted((files or files_of()[0]).items()):
            information = tarfile.TarInfo(name)
            information.size = len(content)
            writer.addfile(information, io.BytesIO(content))
        for member, content in members:
            writer.addfile(member, io.BytesIO(content))


def member(name, content=b"", **fields):
    information = tarfile.TarInfo(name)
    information.size = len(content)
    for field, value in fields.items():
        setattr(information, field, value)
    return information, content


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (member("../escape", b"x"), "it holds ../escape"),
        (member("/etc/cron.d/x", b"x"), "it holds /etc/cron.d/x"),
        (member("blobs/sha256/../../x", b"x"), "it holds blobs/sha256/../../x"),
        (member(f"blobs/sha256/{'A' * 64}", b"x"), "it holds blobs/sha256/AAAA"),
        (member(f"blobs/sha256/{'a' * 64}\n", b"x"), "it holds blobs/sha256/aaaa"),
        (member(f"x/blobs/sha256/{'a' * 64}", b"x"), "it holds x/blobs/"),
        (member("zz", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "zz (behind index.json) is no regular file"),
        (member(f"blobs/sha256/{'f' * 64}", type=tarfile.LNKTYPE, linkname="bundle.json"), "is no regular file"),
        (member("zz", type=tarfile.FIFOTYPE), "is no regular file"),
        (member("zz", type=tarfile.CHRTYPE), "is no regular file"),
        (member("zz", type=tarfile.DIRTYPE), "is no regular file"),
        (member("zz", type=tarfile.GNUTYPE_SPARSE), "is no regular file"),
        (member("zz", b"x" * 600, type=tarfile.GNUTYPE_LONGNAME), "is no regular file"),
        (member("zz", b"20 size=99999999999\n", type=tarfile.XHDTYPE), "is no regular file"),
        (member("index.json", b"{}"), "index.json stands behind index.json, twice"),
        (member("bundle.json", b"{}"), "bundle.json stands behind index.json, twice or out of order"),
        (member(blob_of(b"one wheel").member, b"one wheel"), "twice or out of order"),
        (member("bundle.json", b"{}", mtime=1), "the header of bundle.json says more"),
        (member("bundle.json", b"{}", mode=0o4755), "the header of bundle.json says more"),
        (member("bundle.json", b"{}", uname="root"), "the header of bundle.json says more"),
    ],
)
def test_what_has_no_place_in_a_bundle_is_refused(tmp_path, made, said):
    tar_of(tmp_path / "a.tar", made)
    assert said in refusal(tmp_path / "a.tar")
    assert os.listdir(tmp_path) == ["a.tar"]


def test_a_size_that_is_not_there_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "a.tar", "wb") as stream:
        stream.write(header(f"blobs/sha256/{'a' * 64}", 4 << 30))
        stream.write(b"x" * 512)
    assert "in the middle of blobs/sha256/aaaa" in refusal(tmp_path / "a.tar")


@pytest.mark.parametrize(("name", "size"), [(f"blobs/sha256/{'a' * 64}", (4 << 30) + 1), ("index.json", 1 << 30)])
def test_what_is_too_large_is_refused_even_where_it_is_there(tmp_path, name, size):
    with open(tmp_path / "a.tar", "wb") as stream:
        stream.write(header(name, size))
        stream.truncate(size + 4096)  # A hole: it takes no room.
    assert "is the most" in refusal(tmp_path / "a.tar")


def test_too_many_and_too_much_are_refused(tmp_path, monkeypatch):
    bundle_at(tmp_path / "a.tar")
    monkeypatch.setattr(archive_module, "MOST_BLOBS", 3)
    assert "more than 3 blobs" in refusal(tmp_path / "a.tar")
    monkeypatch.setattr(archive_module, "MOST_BLOBS", 4)
    whole(tmp_path / "a.tar")
    monkeypatch.setattr(archive_module, "MOST_BYTES", 1000)
    assert "or 0 GiB" in refusal(tmp_path / "a.tar")


def test_what_is_behind_the_end_is_refused(tmp_path):
    bundle_at(tmp_path / "a.tar")
    with open(tmp_path / "a.tar", "ab") as stream:
        stream.write(b"\0" * 512)
    assert "goes on behind its end" in refusal(tmp_path / "a.tar")


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08" + b"x" * 600, b"PK" + b"x" * 600, b"x" * 512, b"x", b""])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a.tar").write_bytes(content)
    refusal(tmp_path / "a.tar")


def test_a_pipe_or_directory_is_no_bundle(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refusal(tmp_path / "pipe")
    assert "cannot be read" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / "missing")


def test_it_holds_what_it_lists_and_nothing_else(tmp_path):
    files = files_of()[0]
    first = blob_of(b"one wheel")
    write_archive(str(tmp_path / "a.tar"), {name: it for name, it in files.items() if name != first.member})
    assert f"bundle.json lists {first.member}, which is not in it" in refusal(tmp_path / "a.tar")
    more = blob_of(b"more")
    write_archive(str(tmp_path / "b.tar"), {**files, more.member: b"more"})
    assert f"it holds {more.member}, which bundle.json does not list" in refusal(tmp_path / "b.tar")
    write_archive(str(tmp_path / "c.tar"), {**files, first.member: b"other content"})
    assert f"{first.member} has 13 bytes" in refusal(tmp_path / "c.tar")
    write_archive(str(tmp_path / "d.tar"), {name: it for name, it in files.items() if name != "bundle.json"})
    assert "it has no bundle.json" in refusal(tmp_path / "d.tar")


def test_a_blob_that_is_not_what_its_name_says_is_found_while_it_is_read(tmp_path):
    files = files_of()[0]
    name = blob_of(b"one wheel").member
    write_archive(str(tmp_path / "a.tar"), {**files, name: b"two wheel"})
    assert f"the content of {name} has the digest sha256:" in refusal(tmp_path / "a.tar")
    with open_archive(str(tmp_path / "a.tar")) as archive, pytest.raises(SourceError):
        archive.copy(name, str(tmp_path / "out"))
