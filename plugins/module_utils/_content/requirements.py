# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""requirements.txt: its entries, and those that pip would take from the host instead of the pack or the network.

pip runs as the account that installs, often root, and reads what such a file names: a line may include another file,
build a directory, or look for packages in one. Inside of the pack and over the network that is the pack's own affair.
"""

from __future__ import annotations

import codecs
import os
import re
import shlex
import typing as t
from urllib.parse import urlsplit

from .._printable import printable
from .._secrets import strip_urls
from .boundary import leads_out
from .file_problem import FileProblem

REQUIREMENTS = "requirements.txt"
_MOST_BYTES = 1 << 20
_MOST_FILES = 50
_SHOWN = 120
# What pip takes in such a file (pip/_internal/req/req_file.py SUPPORTED_OPTIONS, SUPPORTED_OPTIONS_REQ), by what its
# value is. --install-option, which newer releases do not know, is how a package is told to go elsewhere.
_FILES = ("-r", "--requirement", "-c", "--constraint")
_PLACES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")
_EDITABLE = ("-e", "--editable")
_FLAGS = ("--no-index", "--prefer-binary", "--require-hashes", "--pre")
_WORDS = (
    *("--no-binary", "--only-binary", "--trusted-host", "--use-feature"),
    *("--hash", "--global-option", "--config-settings", "--config-setting", "-C"),
)
_WITH_VALUE = (*_FILES, *_PLACES, *_EDITABLE, *_WORDS)
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.(?:gz|bz2|xz|lz|lzma))$", re.IGNORECASE)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
# pip puts variables of its environment in, and in these are addresses with passwords.
_VARIABLE = re.compile(r"\$\{(?:PIP_|UV_|[A-Z_]*PROXY|ST2_)[A-Z0-9_]*\}")
# pip/_internal/utils/encoding.py auto_decode: a mark at the beginning, or a comment in one of the first two lines.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
)
# Releases of pip differ in what they take these for.
_AMBIGUOUS = (codecs.BOM_UTF32_BE, codecs.BOM_UTF32_LE)
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")


class Requirements(t.NamedTuple):
    """What is in a requirements.txt.

    :arg entries: In their order, blanks made single, without comments; what looks like a secret in a URL is replaced.
    :arg problems: About lines that must not be followed.
    :arg lines: The lines of the entries.
    """

    entries: t.Tuple[str, ...] = ()
    problems: t.Tuple[FileProblem, ...] = ()
    lines: t.Tuple[int, ...] = ()


def decode_requirements(content: bytes) -> str:
    """The text of a file of requirements, as pip reads it (pip/_internal/utils/encoding.py auto_decode).

    :raises ValueError: for an encoding that Python does not know, or that the bytes are not in.
    """
    if content.startswith(_AMBIGUOUS):
        raise ValueError("is not UTF-8, but UTF-32")
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decode(content[len(mark) :], encoding)
    for line in content.split(b"\n")[:2]:
        found = _CODING.search(line) if line.startswith(b"#") else None
        if found:
            return _decode_named(content, found.group(1).decode("ascii", "replace"))
    return content.decode("utf-8", "replace")


def lines_of(path: str) -> t.List[str]:
    """The lines of a file of requirements, also of one that pip cannot read."""
    with open(path, "rb") as stream:
        content = stream.read()
    try:
        return decode_requirements(content).splitlines()
    except ValueError:
        return content.decode("utf-8", "replace").splitlines()


def _decode(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeError:
        raise ValueError(f"begins as {encoding} does, but is not") from None


def _decode_named(content: bytes, encoding: str) -> str:
    """The text of a file that names its encoding; one in which ASCII means something else hides what uv reads."""
    plain = bytes(byte for byte in range(128) if byte != 0x1B)
    try:
        if plain.decode(encoding) == plain.decode("ascii"):
            return content.decode(encoding)
    except (LookupError, UnicodeError):
        pass
    raise ValueError(f"is not UTF-8, but says that it is {printable(encoding[:40])}")


def builds_of_itself(pack_dir: str) -> bool:
    """Whether a requirement of a pack is a directory or an archive of the pack itself."""
    reader = _Reader(pack_dir)
    entries = reader.read(REQUIREMENTS)
    while reader.included and len(reader.seen) <= _MOST_FILES:
        entries += reader.read(reader.included.pop())
    return any(_is_own(entry) for _line, entry in entries)


def _is_own(entry: str) -> bool:
    words = entry.split(" ")
    if words[0] in _EDITABLE:
        words = words[1:]
    first = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    target = _target(" ".join(words[:first]))
    return bool(target) and not _is_remote(target)


def read_requirements(pack_dir: str) -> Requirements:
    """Read the requirements.txt of a pack and the files of the pack that it includes, taken apart as pip does
    (pip/_internal/req/req_file.py).

    :arg pack_dir: A pack directory whose links are known to stay inside.
    """
    if not os.path.isfile(os.path.join(pack_dir, REQUIREMENTS)):
        return Requirements()
    reader = _Reader(pack_dir)
    entries = reader.read(REQUIREMENTS)
    while reader.included and len(reader.seen) <= _MOST_FILES:
        reader.read(reader.included.pop())
    if reader.included:
        reader.problems.append(FileProblem(REQUIREMENTS, "", f"includes more than {_MOST_FILES} files"))
    texts = tuple(strip_urls(entry) for _line, entry in entries)
    return Requirements(texts, tuple(reader.problems), tuple(line for line, _entry in entries))


class _Reader:
    """Reads the files of one pack, and gathers what is wrong with their lines."""

    def __init__(self, pack_dir: str) -> None:
        self.problems: t.List[FileProblem] = []
        self.included: t.List[str] = []
        self.seen: t.Set[str] = set()
        self._pack_dir = pack_dir

    def read(self, name: str) -> t.List[t.Tuple[int, str]]:
        """The entries of one file, with their lines."""
        if name in self.seen or not os.path.isfile(os.path.join(self._pack_dir, name)):
            return []
        self.seen.add(name)
        if leads_out(self._pack_dir, name):
            self._wrong(name, "is a link that leads out of the pack")
            return []
        try:
            with open(os.path.join(self._pack_dir, name), "rb") as stream:
                content = stream.read(_MOST_BYTES + 1)
        except OSError as error:
            self._wrong(name, f"cannot be read: {error.strerror}")
            return []
        if len(content) > _MOST_BYTES:
            self._wrong(name, f"has more than {_MOST_BYTES} bytes, which is too large")
            return []
        try:
            text = decode_requirements(content)
        except ValueError as error:
            self._wrong(name, str(error))
            return []
        entries = []
        for number, entry in entries_of(text):
            entries.append((number, entry))
            problem = self._judge(name, entry)
            if problem:
                shown = printable(strip_urls(entry))
                shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
                self.problems.append(FileProblem(printable(name), f'"{shown}"', problem, number))
        return entries

    def _wrong(self, name: str, clause: str) -> None:
        self.problems.append(FileProblem(printable(name), "", clause))

    def _judge(self, name: str, entry: str) -> t.Optional[str]:
        """Why an entry must not be followed, as a clause about it."""
        if _VARIABLE.search(entry):
            return "takes a variable that may hold a password of this task"
        words = entry.split(" ")
        first = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
        requirement, options = " ".join(words[:first]), " ".join(words[first:])
        if requirement and _leads_out(_target(requirement), ""):
            return "leads out of the pack"
        try:
            rest = shlex.split(options)
        except ValueError:
            return "cannot be parsed"
        while rest:
            problem = self._judge_option(name, rest)
            if problem:
                return problem
        return None

    def _judge_option(self, name: str, rest: t.List[str]) -> t.Optional[str]:
        """The same for the first of some options, which is taken off the list together with its value."""
        word = rest.pop(0)
        if word in _FLAGS or not word.startswith("-"):
            return None
        option, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2:
            option, equals, value = word[:2], "=", word[2:]
        if option not in _WITH_VALUE:
            return f"has {printable(option[:40])}, which is not allowed in such a file"
        if not equals:
            if not rest:
                return f"has no value for {option}"
            value = rest.pop(0)
        folder = os.path.dirname(name)
        if option in _EDITABLE and not _is_remote(value):
            return "would be installed from where the pack is only prepared: leave -e out"
        if option in (*_FILES, *_PLACES) and _leads_out(value, folder):
            return "leads out of the pack"
        if option in _FILES and not _is_remote(value):
            self.included.append(os.path.normpath(os.path.join(folder, value)))
        return None


def entries_of(text: str) -> t.Iterator[t.Tuple[int, str]]:
    """The entries of a text, without comments and with single blanks, and the lines at which they begin."""
    for number, line in _logical_lines(text):
        entry = " ".join(re.sub(r"(?:^|\s)#.*$", "", line).split())
        if entry:
            yield number, entry


def _logical_lines(text: str) -> t.Iterator[t.Tuple[int, str]]:
    """The lines of a file with the numbers of their beginnings; a backslash joins one with the next."""
    parts: t.List[str] = []
    begin = 1
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"[ \t]*#", line):
            line = ""  # Ends a joined line, whatever stands at its own end.
        begin = begin if parts else number
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        yield begin, "".join([*parts, line])
        parts = []
    if parts:
        yield begin, "".join(parts)


def _target(requirement: str) -> str:
    """The address or path in a requirement; empty for one by name and version alone."""
    requirement = requirement.partition(" ;")[0].strip()
    name, at, address = requirement.partition("@")
    if at and re.fullmatch(r"\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^]]*\])?\s*", name):
        return address.strip()
    if _URL.match(requirement) or requirement.startswith((".", "/", "~", "\\")):
        return requirement
    path = re.split(r"[\s\[;<>=!~]", requirement, maxsplit=1)[0]
    return path if "/" in path or _ARCHIVE.search(path) else ""


def _is_remote(address: str) -> bool:
    """Whether an address is one of the network."""
    if not _URL.match(address):
        return False
    scheme = address.partition(":")[0].lower().rpartition("+")[2]
    try:
        return scheme != "file" and bool(urlsplit(address).netloc)
    except ValueError:
        return False


def _leads_out(address: str, folder: str) -> bool:
    """Whether an address or path is one of this host outside of the pack.

    :arg folder: The directory of the pack that a relative path begins at.
    """
    if not address or _is_remote(address):
        return False
    if _URL.match(address) or "${" in address or address.startswith(("/", "~", "\\")):
        return True
    return os.path.normpath(os.path.join(folder, address)).split(os.sep)[0] == ".."
