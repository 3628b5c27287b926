# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small bundles, made by hand."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.archive import write_archive
from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.layout import (
    Blob,
    Manifest,
    content_digest,
    manifest_text,
)

CONTENTS = (b"one wheel", b"another wheel", b"", b"x" * 1024)


def blob_of(content, kind="package", name="tinydep-1.0.0-py3-none-any.whl", holds=()):
    return Blob(content_digest(content), len(content), kind, name, tuple(holds))


def files_of(contents=CONTENTS, lock="format: 1\n"):
    """The files of a bundle by their names, and its manifest."""
    blobs = {blob_of(content): content for content in contents}
    manifest = Manifest(lock, tuple(sorted(blobs)), content_digest(b"{}"))
    files = {blob.member: content for blob, content in blobs.items()}
    return {**files, "bundle.json": manifest_text(manifest), "index.json": b"{}"}, manifest


def bundle_at(path, contents=CONTENTS, lock="format: 1\n"):
    files, manifest = files_of(contents, lock)
    write_archive(str(path), files)
    return manifest
