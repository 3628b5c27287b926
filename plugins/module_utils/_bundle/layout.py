# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a bundle is made of: a lock, and a blob for each thing that the lock names, known by their digests.

A bundle is one plain tar archive with C(bundle.json), C(index.json) and C(blobs/sha256/HEX), nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import typing as t

from .._errors import SourceError
from .._files import file_digest

FORMAT = 1
MANIFEST = "bundle.json"
INDEX = "index.json"
STEP = "bundle"
# Far more than any fleet has. Who makes a bundle may be somebody else than who installs from it.
MOST_BLOBS = 20_000
MOST_DOCUMENT_BYTES = 64 << 20
LARGEST_BLOB = 4 << 30
MOST_BYTES = 64 << 30
KINDS = ("directory", "git", "lfs", "package")
_BLOB_PREFIX = "blobs/sha256/"
_BLOB_NAME = re.compile(r"blobs/sha256/[0-9a-f]{64}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_HELD = re.compile(r"refs/(?:heads|tags|locked)/[^\x00-\x20\x7f:~^?*\[\\]+ [0-9a-f]{40,64} [0-9a-f]{40,64}\Z")
_HELD_BY_KIND = {"git": _HELD, "lfs": re.compile(r"[0-9a-f]{40,64}\Z")}
_FILE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+!-]{0,400}\.(?:whl|tar\.gz|zip)\Z")
_KEYS = {"format", "lock", "blobs", "index", "digest"}
_BLOB_KEYS = {"digest", "size", "kind", "name", "holds"}


class Blob(t.NamedTuple):
    """One file of a bundle.

    :arg digest: C(sha256:...) of its bytes.
    :arg kind: C(git), C(directory), C(lfs) for a file that a repository keeps elsewhere, or C(package).
    :arg name: What it is of: the source of a pack (L(source_name)), or the name of the file of a Python package.
    :arg holds: What one finds in it: C("REF OBJECT COMMIT") of git, the content digest of a directory, the commits to
        which a file of Git LFS belongs.
    """

    digest: str
    size: int
    kind: str
    name: str
    holds: t.Tuple[str, ...] = ()

    @property
    def member(self) -> str:
        """Its name in the archive."""
        return f"{_BLOB_PREFIX}{self.digest[len('sha256:') :]}"

    @property
    def identity(self) -> t.Tuple[str, ...]:
        """What it is known by. The bytes of git's own bundles depend on the version of git; commits do not."""
        return (self.kind, self.name, *(self.holds if self.kind == "git" else (self.digest, *self.holds)))

    @property
    def commits(self) -> t.List[str]:
        """The commits that it is for."""
        return [held.split(" ")[-1] for held in self.holds] if self.kind in ("git", "lfs") else []

    @property
    def refs(self) -> t.Dict[str, str]:
        """The refs of git in it, and the objects that they lead to."""
        return dict(held.split(" ")[:2] for held in self.holds) if self.kind == "git" else {}


class Manifest(t.NamedTuple):
    """What C(bundle.json) says.

    :arg lock: The text of the lock, to the letter.
    :arg blobs: Sorted by digest.
    :arg index_digest: C(sha256:...) of C(index.json).
    """

    lock: str
    blobs: t.Tuple[Blob, ...]
    index_digest: str

    @property
    def digest(self) -> str:
        """The C(sha256:...) by which bundles of equal content are known."""
        content = [FORMAT, self.lock, self.index_digest, sorted(blob.identity for blob in self.blobs)]
        return content_digest(plain_json(content))

    def package(self, digest: str) -> t.Optional[Blob]:
        """The file of a Python package, by the digest that the lock has of it."""
        return next((blob for blob in self.blobs if blob.kind == "package" and blob.digest == digest), None)

    def of_pack(self, name: str, held: str) -> t.List[Blob]:
        """What a pack is made of.

        :arg name: Its source, as L(source_name) gives it.
        :arg held: Its commit, or the digest of its content.
        """
        return [
            blob
            for blob in self.blobs
            if blob.kind != "package" and blob.name == name and held in (*blob.commits, *blob.holds)
        ]


def source_name(source: str, subdir: str, *, is_directory: bool) -> str:
    """What a blob calls the source of a pack. One repository may hold several packs, a directory is one."""
    return f"{source}/{subdir}" if is_directory and subdir else source


def is_blob(member: str) -> bool:
    """Whether a name in an archive is that of a blob."""
    return bool(_BLOB_NAME.match(member))


def is_file_name(name: str) -> bool:
    """Whether a name is that of the file of a Python package, and of nothing that lies elsewhere."""
    return bool(_FILE.match(name))


def digest_of(member: str) -> str:
    """The digest that the name of a blob says."""
    return f"sha256:{member[len(_BLOB_PREFIX) :]}"


def manifest_text(manifest: Manifest) -> bytes:
    """The bytes of C(bundle.json)."""
    blobs = [{**blob._asdict(), "holds": list(blob.holds)} for blob in manifest.blobs]
    document = {"format": FORMAT, "lock": manifest.lock, "blobs": blobs, "index": manifest.index_digest}
    return plain_json({**document, "digest": manifest.digest}) + b"\n"


def read_manifest(content: bytes, shown: str) -> Manifest:
    """What C(bundle.json) says.

    :arg shown: The bundle, for messages.
    :raises SourceError: when it is nothing that this collection wrote, or of a later one.
    """

    def wrong(what: str) -> SourceError:
        return refusal(shown, f"{MANIFEST} {what}")

    document = _document(content, wrong)
    if not isinstance(document, dict):
        raise wrong("is no JSON object")
    if document.get("format") != FORMAT:
        raise wrong(
            f"has the format {str(document.get('format'))[:20]}, and this version of stackstorm.st2 reads {FORMAT}"
        )
    texts = [document.get(key) for key in ("lock", "index", "digest")]
    if set(document) != _KEYS or not all(isinstance(text, str) for text in texts):
        raise wrong(f"has other keys than {', '.join(sorted(_KEYS))}")
    listed = document["blobs"]
    if not isinstance(listed, list) or len(listed) > MOST_BLOBS:
        raise wrong(f"has no list of at most {MOST_BLOBS} blobs")
    blobs = tuple(_blob(item, number, wrong) for number, item in enumerate(listed, 1))
    if list(blobs) != sorted(set(blobs)):
        raise wrong("lists blobs twice, or not in their order")
    manifest = Manifest(document["lock"], blobs, document["index"])
    if document["digest"] != manifest.digest:
        raise wrong("is not what its own digest says")
    return manifest


def _document(content: bytes, wrong: t.Callable[[str], SourceError]) -> t.Any:
    def unique(pairs: t.List[t.Tuple[str, t.Any]]) -> t.Dict[str, t.Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise wrong("has a key twice")
        return found

    try:
        document = json.loads(content.decode("utf-8"), object_pairs_hook=unique)
        plain_json(document)  # A text with half a letter (a lone surrogate) could not be written again.
    except (ValueError, RecursionError) as error:
        raise wrong(f"is no JSON ({str(error)[:100]})") from error
    return document


def _blob(item: t.Any, number: int, wrong: t.Callable[[str], SourceError]) -> Blob:
    where = f"lists a blob (number {number})"
    if not isinstance(item, dict) or set(item) != _BLOB_KEYS:
        raise wrong(f"{where} with other keys than {', '.join(sorted(_BLOB_KEYS))}")
    digest, size, kind, name, holds = (item[key] for key in ("digest", "size", "kind", "name", "holds"))
    if not isinstance(digest, str) or not _DIGEST.match(digest):
        raise wrong(f"{where} whose digest is none")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LARGEST_BLOB:
        raise wrong(f"{where} whose size is not from 0 to {LARGEST_BLOB}")
    if kind not in KINDS or not isinstance(name, str) or not name:
        raise wrong(f"{where} that is none of {', '.join(KINDS)}, or has no name")
    if kind == "package" and not is_file_name(name):
        raise wrong(f"{where} whose name is not that of the file of a package")
    if not isinstance(holds, list) or not all(isinstance(held, str) for held in holds):
        raise wrong(f"{where} that does not say what it holds")
    form = _HELD_BY_KIND.get(kind)
    if form and not (holds and all(map(form.match, holds))):
        raise wrong(f"{where} of {kind} without refs or commits")
    return Blob(digest, size, kind, name, tuple(holds))


def content_digest(content: bytes) -> str:
    """The C(sha256:...) of some bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def blob_of_file(path: str, kind: str, name: str, holds: t.Iterable[str]) -> Blob:
    """The blob that a file is; arguments as in L(Blob)."""
    return Blob(f"sha256:{file_digest(path)}", os.path.getsize(path), kind, name, tuple(sorted(holds)))


def refusal(shown: str, what: str) -> SourceError:
    """The error about a bundle that is not used.

    :arg shown: The bundle, for messages.
    :arg what: What is wrong with it, as a clause.
    """
    return SourceError(
        f"The bundle {shown} is refused: {what}. Nothing was written. Send it again, or create it again (st2_bundle).",
        step=STEP,
    )


def plain_json(value: t.Any) -> bytes:
    """JSON without blanks, sorted: equal values, equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
