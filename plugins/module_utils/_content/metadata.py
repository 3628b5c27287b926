# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""pack.yaml: which pack it is, whether StackStorm would register it, and whether it fits this StackStorm."""

from __future__ import annotations

import json
import os
import re
import typing as t
from dataclasses import dataclass

from .._errors import InvalidPackError
from .._libraries import require
from .._secrets import strip_urls
from .._yaml_file import key_lines, load_composed
from .._yaml_keys import RefusedKey, refused_keys
from .boundary import leads_out, listed
from .file_problem import FileProblem
from .metadata_schema import PACK_SCHEMA, REF_PATTERN

MANIFEST = "pack.yaml"
RESERVED_REFS = ("_global",)
# The kind of problem that a key is which stands twice, or is a merge key.
REFUSED_KEY = "key"
_SHOWN_TEXT = 60
# mongoengine/fields.py EmailField, which guards PackDB.email.
_ATOM = r"[-!#$%&'*+/=?^_`{}|~0-9A-Z]+"
_USER = re.compile(
    rf"^{_ATOM}(?:\.{_ATOM})*\Z"
    r'|^"(?:[\001-\010\013\014\016-\037!#-\[\]-\177]|\\[\001-\011\013\014\016-\177])*"\Z',
    re.IGNORECASE | re.ASCII,
)
_DOMAIN = re.compile(r"(?:[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?\.)+[A-Z0-9-]{2,63}(?<!-)\Z", re.IGNORECASE | re.ASCII)
_LONGEST_DOMAIN = 253
_COMPARISON = re.compile(r"\s*(?P<operator>[<>=!]*)\s*(?P<version>[^\s,<>=!]+)[\s,]*")
# StackStorm's schema takes the doubled and the single sign, its matcher (semver) only the other.
_OPERATORS = {"": "==", "=": "==", "<<": "<", ">>": ">"}
_ANSWERS: t.Dict[str, t.Callable[[int], bool]] = {
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


@dataclass(frozen=True)
class PackMetadata:
    """What a valid C(pack.yaml) says. Lists that are missing or null are empty here."""

    ref: str
    name: str
    version: str
    description: str
    author: str
    email: t.Optional[str]
    stackstorm_version: t.Optional[str]
    python_versions: t.Tuple[str, ...]
    dependencies: t.Tuple[str, ...]
    keywords: t.Tuple[str, ...]
    contributors: t.Tuple[str, ...]


def derive_ref(document: t.Mapping[t.Any, t.Any], directory_name: t.Optional[str]) -> str:
    """The ref of a pack: C(ref), else the name of its directory, else C(name), the latter two only when they are refs.

    The order is that of st2common/util/pack.py get_pack_ref_from_metadata, which passes C(ref) on unchecked.

    :arg directory_name: C(None) for a pack that has no directory of its own yet.
    :returns: One or more of C(a-z), C(0-9) and C(_); never a reserved ref. Refs of system packs are for the caller.
    :raises InvalidPackError: when there is no such ref.
    """
    ref, problem = _find_ref(document, directory_name)
    if ref is None or problem is not None:
        raise InvalidPackError(f"{MANIFEST} does not define a ref: {problem.message if problem else ''}.")
    return ref


@dataclass(frozen=True)
class Manifest:
    """A C(pack.yaml) as it is.

    :arg document: The mapping that it holds.
    :arg ref: C(None) when none can be derived.
    :arg problems: Everything that StackStorm would refuse, in the order in which it is told.
    :arg metadata: What it says, when there is no problem.
    """

    document: t.Mapping[t.Any, t.Any]
    ref: t.Optional[str]
    problems: t.Tuple[FileProblem, ...]
    metadata: t.Optional[PackMetadata]


def load_metadata(pack_dir: str, *, directory_name: t.Optional[str] = None) -> PackMetadata:
    """Read C(pack.yaml) and refuse everything that StackStorm would refuse when it registers the pack.

    :arg pack_dir: The directory with C(pack.yaml).
    :arg directory_name: The name to derive a missing ref from, where the pack has a directory of that name for good.
    :raises InvalidPackError: One message with every problem: the key, its line, what was found and what must be there.
    :raises MissingLibraryError: without PyYAML or jsonschema.
    """
    manifest = read_manifest(pack_dir, directory_name=directory_name)
    if manifest.metadata is None:
        problems = [problem.with_line for problem in manifest.problems]
        if len(problems) > 1:
            problems = [f"({number}) {one}" for number, one in enumerate(problems, 1)]
        listing = listed(problems, most=20, separator="; ")
        raise InvalidPackError(f"{MANIFEST} is not valid: {listing}.", ref=manifest.ref)
    return manifest.metadata


def read_manifest(pack_dir: str, *, directory_name: t.Optional[str] = None) -> Manifest:
    """Read C(pack.yaml), and tell everything that StackStorm would refuse when it registers the pack.

    It follows st2common/bootstrap/base.py _register_pack_db, and for keys util/yml.py UniqueKeyLoader.

    Arguments as of L(load_metadata).

    :raises InvalidPackError: only when there is no C(pack.yaml) that can be read as a mapping.
    :raises MissingLibraryError: without PyYAML or jsonschema.
    """
    keys: t.List[RefusedKey] = []
    document = _load_mapping(pack_dir, keys)
    lines = _Lines(pack_dir)
    ref, problem = _find_ref(document, directory_name, lines)
    problems = [problem] if problem else []
    problems += [FileProblem(MANIFEST, key.subject, key.wrong, key.line, REFUSED_KEY) for key in keys]
    problems += _odd_keys(document, lines)
    checked = {key: value for key, value in document.items() if isinstance(key, str) and key != "ref"}
    if ref is not None:
        checked["ref"] = ref
    if isinstance(checked.get("python_versions"), list):
        # Whether a list of many kinds of values is unique takes quadratic time; three are one too many already.
        checked["python_versions"] = checked["python_versions"][:3]
    problems += _missing_keys(checked) + _schema_problems(checked, document, lines) + _further_problems(checked, lines)
    metadata = _metadata(ref, checked) if ref is not None and not problems else None
    return Manifest(document, ref, tuple(problems), metadata)


def read_identity(pack_dir: str, directory_name: str) -> t.Tuple[str, str, t.Optional[str]]:
    """Which pack an installed one says it is, however wrong the rest of its C(pack.yaml) may be.

    :arg directory_name: The name of its directory, which is also the ref when none can be derived.
    :returns: Ref, display name and version; C(None) as version when there is none.
    :raises InvalidPackError: only when there is no C(pack.yaml) that can be read as a mapping.
    """
    document = _load_mapping(pack_dir)
    ref, _problem = _find_ref(document, directory_name)
    name = document.get("name")
    version = document.get("version")
    return (
        ref or directory_name,
        name if isinstance(name, str) and name else ref or directory_name,
        str(version) if version and not isinstance(version, (dict, list, set)) else None,
    )


def incompatibilities(metadata: PackMetadata, *, st2_version: t.Optional[str], python_major: int = 3) -> t.List[str]:
    """Why a valid pack does not fit this StackStorm, as clauses about C(it); none when it fits.

    It follows st2common/util/pack_management.py verify_pack_version and st2common/util/versioning.py
    complex_semver_match. What StackStorm's schema takes but its matcher ends with an error on has its plain meaning
    here: a blank after the operator, C(=), C(<<), C(>>), parts that only blanks separate, leading zeros.

    :arg st2_version: Such as C(3.9.0) or C(3.10dev), which counts as C(3.10.0). C(None) and what is no version raise no
        complaint.
    :arg python_major: The Python that StackStorm runs on; there is no check of a minor version.
    :raises MissingLibraryError: without semver, where the pack says which StackStorm it wants.
    """
    found = []
    wanted = metadata.stackstorm_version
    current = _version(st2_version) if wanted and st2_version else None
    if wanted and current:
        satisfied = _satisfies(current, wanted)
        if not satisfied:
            reason = f"this is {st2_version}" if satisfied is False else "that cannot be compared with a version"
            found.append(f'it requires StackStorm "{wanted}", and {reason}')
    if metadata.python_versions and str(python_major) not in metadata.python_versions:
        versions = " and ".join(metadata.python_versions)
        found.append(f"it supports Python {versions} only, and StackStorm runs on Python {python_major}")
    return found


def _load_mapping(pack_dir: str, keys: t.Optional[t.List[RefusedKey]] = None) -> t.Dict[t.Any, t.Any]:
    """The mapping in C(pack.yaml).

    :arg keys: Gets the keys in it that StackStorm refuses.
    """
    path = os.path.join(pack_dir, MANIFEST)
    if not os.path.isfile(path):
        from .no_manifest import no_manifest

        raise no_manifest(pack_dir)
    if os.path.islink(path) and leads_out(pack_dir, MANIFEST):
        raise InvalidPackError(f"{MANIFEST} is a link that leads out of the pack.")

    def look(node: t.Any) -> None:
        if keys is not None:
            keys.extend(refused_keys(node))

    document = load_composed(path, shown=MANIFEST, look=look)[0]
    if not document:
        raise InvalidPackError(f"{MANIFEST} is empty.")
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else _found(document)
        raise InvalidPackError(f"{MANIFEST} is {kind}; it must be a mapping of keys like ref and version.")
    return document


def _find_ref(
    document: t.Mapping[t.Any, t.Any], directory_name: t.Optional[str], lines: t.Optional[_Lines] = None
) -> t.Tuple[t.Optional[str], t.Optional[FileProblem]]:
    """The ref, or else what is wrong with it."""
    ref = document.get("ref")

    def problem(subject: str, clause: str) -> FileProblem:
        return FileProblem(MANIFEST, subject, clause, lines.of("ref") if lines else None)

    if ref:
        if not isinstance(ref, str) or not re.match(REF_PATTERN, ref):
            clause = f"is {_found(ref)}; it must be lower-case letters, digits and underscores, at most 200"
            return None, problem("ref", clause)
    elif directory_name and re.match(REF_PATTERN, directory_name):
        ref = directory_name
    else:
        ref = document.get("name")
        if not isinstance(ref, str) or not re.match(REF_PATTERN, ref):
            clause = (
                f"there is no ref, and the name, {_found(ref)}, cannot be used instead; a ref is lower-case letters, "
                "digits and underscores, at most 200"
            )
            return None, problem("", clause)
    if ref in RESERVED_REFS:
        return None, problem("", f"the ref {ref} is reserved by StackStorm")
    return ref, None


def _odd_keys(document: t.Mapping[t.Any, t.Any], lines: _Lines) -> t.List[FileProblem]:
    """Keys that StackStorm stumbles over when it makes them attributes of a Python object (PackAPI(**content))."""
    problems = [
        FileProblem(MANIFEST, "", f"the key {_found(key)} is not a string; it must be in quotes", lines.of(str(key)))
        for key in document
        if not isinstance(key, str)
    ]
    taken = [key for key in ("self", "validate") if key in document]
    if "schema" in document and not isinstance(document["schema"], dict):
        taken.append("schema")
    clause = "cannot be used, StackStorm fails to register a pack with it"
    return problems + [FileProblem(MANIFEST, "", f"the key {key} {clause}", lines.of(key)) for key in taken]


def _missing_keys(checked: t.Mapping[str, t.Any]) -> t.List[FileProblem]:
    properties = PACK_SCHEMA["properties"]
    missing = [key for key in PACK_SCHEMA["required"] if key not in checked]
    return [
        FileProblem(MANIFEST, key, f"is missing; it must be {properties[key]['description']}", kind="missing")
        for key in missing
    ]


def _schema_problems(
    checked: t.Mapping[str, t.Any], document: t.Mapping[t.Any, t.Any], lines: _Lines
) -> t.List[FileProblem]:
    properties = PACK_SCHEMA["properties"]
    order = list(properties)
    problems = []
    # One value may break several rules; a missing key has no path.
    paths = {tuple(error.path) for error in _validator().iter_errors(checked) if error.path}
    for path in sorted(paths, key=lambda path: (order.index(path[0]), path[1:])):
        key, value = path[0], document[path[0]]
        found = f"has {_found(value[path[1]])} as item {path[1] + 1}" if len(path) > 1 else f"is {_found(value)}"
        clause = f"{found}; it must be {properties[key]['description']}"
        problems.append(FileProblem(MANIFEST, key, clause, lines.of(key)))
    return problems


def _further_problems(checked: t.Mapping[str, t.Any], lines: _Lines) -> t.List[FileProblem]:
    """What only StackStorm's database refuses (st2common/models/db/pack.py PackDB)."""
    problems = []
    email = checked.get("email")
    if isinstance(email, str) and not _is_address(email):
        wanted = PACK_SCHEMA["properties"]["email"]["description"]
        problems.append(FileProblem(MANIFEST, "email", f"is {_found(email)}; it must be {wanted}", lines.of("email")))
    system = checked.get("system")
    if isinstance(system, dict) and not _is_storable(system):
        clause = "has a key that is not a string or begins with $"
        problems.append(FileProblem(MANIFEST, "system", clause, lines.of("system")))
    return problems


def _is_address(text: str) -> bool:
    user, at, domain = text.rpartition("@")
    if not at or not _USER.match(user):
        return False
    if _DOMAIN.match(domain):
        return True
    if len(domain) > _LONGEST_DOMAIN:
        return False  # Older Pythons take quadratic time for what follows.
    try:
        return bool(_DOMAIN.match(domain.encode("idna").decode("ascii")))
    except UnicodeError:
        return False


def _is_storable(mapping: t.Mapping[t.Any, t.Any]) -> bool:
    return all(
        isinstance(key, str) and not key.startswith("$") and (not isinstance(value, dict) or _is_storable(value))
        for key, value in mapping.items()
    )


def _found(value: t.Any) -> str:
    """What a value is, for a message."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        items = [_plain(item) for item in value[:3]]
        return f"the list [{', '.join(items + ['...'] * (len(value) > 3))}]" if value else "an empty list"
    if isinstance(value, (str, bool)) or value is None:
        return _plain(value)
    return f"the {'number' if isinstance(value, (int, float)) else type(value).__name__} {_plain(value)}"


def _plain(value: t.Any) -> str:
    """A value much as it may stand in YAML, cut where it is long."""
    if isinstance(value, (dict, list)):
        return "{...}" if isinstance(value, dict) else "[...]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = strip_urls(str(value))
    text = text if len(text) <= _SHOWN_TEXT else f"{text[:_SHOWN_TEXT]}..."
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) else text


def _metadata(ref: str, checked: t.Mapping[str, t.Any]) -> PackMetadata:
    def strings(key: str) -> t.Tuple[str, ...]:
        return tuple(checked.get(key) or ())

    return PackMetadata(
        ref=ref,
        name=checked["name"],
        version=checked["version"],
        description=checked["description"],
        author=checked["author"],
        email=checked["email"],
        stackstorm_version=checked.get("stackstorm_version"),
        python_versions=strings("python_versions"),
        dependencies=strings("dependencies"),
        keywords=strings("keywords"),
        contributors=strings("contributors"),
    )


class _Lines:
    """The lines of the keys of pack.yaml, read only once something is wrong."""

    def __init__(self, pack_dir: str) -> None:
        self._path = os.path.join(pack_dir, MANIFEST)
        self._lines: t.Optional[t.Dict[t.Any, int]] = None

    def of(self, key: str) -> t.Optional[int]:
        """The line of a key, C(None) for one that does not stand in the file as such."""
        if self._lines is None:
            self._lines = dict(key_lines(self._path, shown=MANIFEST))
        return self._lines.get(key)


def _validator() -> t.Any:
    return require("jsonschema").Draft4Validator(PACK_SCHEMA)


def _version(text: str) -> t.Optional[t.Any]:
    """A version that compares as semver does, C(None) for text that is none."""
    semver = require("semver")
    # semver 3 calls it Version, semver 2 VersionInfo.
    kind: t.Any = getattr(semver, "Version", None) or semver.VersionInfo
    if "dev" in text and text.count(".") == 1:
        text = text.replace("dev", ".0")  # util/versioning.py get_stackstorm_version
    try:
        if re.match(r"[0-9]+\.[0-9]+\.[0-9]+\Z", text):
            text = ".".join(str(int(part)) for part in text.split("."))
        return kind.parse(text)
    except ValueError:
        return None


def _satisfies(current: t.Any, wanted: str) -> t.Optional[bool]:
    """Whether a version is within what a pack wants; C(None) when that cannot be read."""
    if wanted == "all":
        return True
    answers = []
    position = 0
    while position < len(wanted):
        match = _COMPARISON.match(wanted, position)
        version = _version(match.group("version")) if match else None
        answer = _ANSWERS.get(_OPERATORS.get(match.group("operator"), match.group("operator"))) if match else None
        if match is None or version is None or answer is None:
            return None
        answers.append(answer(current.compare(version)))
        position = match.end()
    return all(answers)
