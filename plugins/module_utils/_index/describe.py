# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What an index says of one pack, all of it read from a directory with the pack's files."""

from __future__ import annotations

import base64
import json
import os
import typing as t
from dataclasses import asdict, dataclass, field

from .._content.boundary import check_boundary, leads_out
from .._content.config_schema import SCHEMA_FILE, read_schema
from .._content.metadata import MANIFEST, load_metadata
from .._content.requirements import REQUIREMENTS
from .._content.resources import read_content
from .._errors import InvalidPackError
from .._files import read_regular_file
from .._layout import SYSTEM_PACKS
from .._libraries import require
from .._yaml_file import load_yaml
from .content import Resources, content_of, read_resources
from .entry import OWN_KEYS
from .file_names import file_names
from .icon import ICON, MOST_BYTES, is_icon
from .plain import plain

# Of the form in which descriptions are kept, and of the rules by which packs are judged.
FORMAT = 2
_MOST_REQUIREMENTS = 1 << 20


@dataclass(frozen=True)
class Description:
    """What an index says of a pack as it is in one commit or directory.

    :arg problem: Why it is no pack that StackStorm would register; then only the C(ref) is there, if that is known.
    :arg content_problem: Why StackStorm would refuse some of its files, though pack.yaml is right.
    :arg version: What pack.yaml says.
    :arg pack: The content of pack.yaml, with C(content) last.
    :arg files: The files to publish of it, as text by their path in the directory of the pack.
    :arg icon: The icon in base64.
    :arg time: When the commit was made; of a directory, when the newest of its files was changed.
    :arg digest: Of its files; C(None) for a directory, as no commit is known to have the same.
    :arg requirements: What its requirements.txt says; bytes that are no UTF-8 as C(surrogateescape) has them.
    """

    problem: t.Optional[str] = None
    content_problem: t.Optional[str] = None
    ref: t.Optional[str] = None
    version: str = ""
    pack: t.Dict[str, t.Any] = field(default_factory=dict)
    files: t.Dict[str, str] = field(default_factory=dict)
    icon: t.Optional[str] = None
    requires_config: bool = False
    time: int = 0
    digest: t.Optional[str] = None
    requirements: t.Optional[str] = None

    def to_json(self) -> t.Dict[str, t.Any]:
        """For keeping."""
        return {"format": FORMAT, **asdict(self)}


def from_json(kept: t.Any) -> t.Optional[Description]:
    """A description that was kept; C(None) for one of another format."""
    if not isinstance(kept, dict) or kept.pop("format", None) != FORMAT:
        return None
    try:
        return Description(**kept)
    except TypeError:
        return None


def describe(pack_dir: str, name: t.Optional[str], *, time: int, digest: t.Optional[str]) -> Description:
    """Read a pack. What is wrong with it is in the description.

    :arg name: The ref that it should have, from which a missing one is derived as from the name of its directory.
    :raises MissingLibraryError: without PyYAML, jsonschema or semver.
    """
    ref: t.Optional[str] = None
    try:
        check_boundary(pack_dir)
        ref, version = _identity(pack_dir, name)
        pack = {
            key: value
            for key, value in plain(load_yaml(os.path.join(pack_dir, MANIFEST), shown=MANIFEST)).items()
            if key not in OWN_KEYS
        }
        resources = read_resources(pack_dir)
        pack["content"] = content_of(resources)
        files = {MANIFEST: yaml_text(pack), **_resource_files(resources)}
    except InvalidPackError as error:
        return Description(problem=error.message, ref=ref or error.ref, time=time)
    content_problem, requires_config = None, False
    try:
        read_content(pack_dir, ref)
        schema = read_schema(pack_dir)
        requires_config = schema is not None and _is_needed(schema.attributes)
    except InvalidPackError as error:
        content_problem = error.message.replace(os.path.join(pack_dir, ""), "")
    files.update(_schema_file(pack_dir))
    return Description(
        content_problem=content_problem,
        ref=ref,
        version=version,
        pack=pack,
        files=files,
        icon=_icon(pack_dir),
        requires_config=requires_config,
        time=time,
        digest=digest,
        requirements=_requirements(pack_dir),
    )


def _requirements(pack_dir: str) -> t.Optional[str]:
    if leads_out(pack_dir, REQUIREMENTS):
        return None
    try:
        content = read_regular_file(os.path.join(pack_dir, REQUIREMENTS), _MOST_REQUIREMENTS)
    except OSError:
        return None
    return content.decode("utf-8", "surrogateescape")


def _identity(pack_dir: str, name: t.Optional[str]) -> t.Tuple[str, str]:
    """Ref and version."""
    try:
        metadata = load_metadata(pack_dir)
    except InvalidPackError:
        if not name:
            raise
        # A pack without a ref or name that could be one has that of its directory, which is the name asked for.
        metadata = load_metadata(pack_dir, directory_name=name)
    if name and metadata.ref != name:
        raise InvalidPackError(f"{name} was asked for, but this pack is {metadata.ref}.", ref=name)
    if metadata.ref in SYSTEM_PACKS:
        raise InvalidPackError(
            f"Its ref is {metadata.ref}, which is one of StackStorm's own packs ({', '.join(SYSTEM_PACKS)}), "
            "which cannot be in an index."
        )
    return metadata.ref, metadata.version


def yaml_text(pack: t.Mapping[str, t.Any]) -> str:
    """A published pack.yaml, in the form that the Exchange gives it (utils/pack_content.py ordered_dump)."""
    yaml = require("PyYAML")
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(dict(pack), Dumper=dumper, default_flow_style=False, sort_keys=False)
    return text


def json_text(value: t.Any) -> str:
    """JSON in the form of the Exchange: sorted, indented by four, without letters beyond ASCII."""
    return json.dumps(value, indent=4, sort_keys=True, separators=(",", ": "))


def _resource_files(resources: Resources) -> t.Dict[str, str]:
    files: t.Dict[str, str] = {}
    for kind, listed in resources.items():
        names = file_names(name for name, _metadata in listed)
        for name, metadata in listed:
            files[f"{kind}/{names[name]}.json"] = json_text(plain(metadata)) + "\n"
    return files


def _schema_file(pack_dir: str) -> t.Dict[str, str]:
    path = os.path.join(pack_dir, SCHEMA_FILE)
    if not os.path.isfile(path) or leads_out(pack_dir, SCHEMA_FILE):
        return {}
    try:
        return {"config.schema.json": json_text(plain(load_yaml(path, shown=SCHEMA_FILE))) + "\n"}
    except InvalidPackError:
        return {}


def _is_needed(attributes: t.Mapping[str, t.Any]) -> bool:
    """Whether a pack without any config lacks something (st2common/util/schema/__init__.py assign_default_values)."""
    return any(
        isinstance(one, t.Mapping) and one.get("required") is True and "default" not in one
        for one in attributes.values()
    )


def _icon(pack_dir: str) -> t.Optional[str]:
    if leads_out(pack_dir, ICON):
        return None
    try:
        content = read_regular_file(os.path.join(pack_dir, ICON), MOST_BYTES)
    except OSError:
        return None
    return base64.b64encode(content).decode("ascii") if is_icon(content) else None
