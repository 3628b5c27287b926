# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directory trees in memory, and the realistic pack among them."""

from __future__ import annotations

import base64
import os
import typing as t
from pathlib import Path

import yaml

from . import bodies

FILE = 0o100644
EXECUTABLE = 0o100755
LINK = 0o120000
SUBMODULE = 0o160000

ABSENT: t.Any = object()
USUAL: t.Any = object()
"""As a value in ``metadata``: leave this key out of pack.yaml."""

Content = t.Union[str, bytes]

ICON = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CONFIG_SCHEMA: t.Mapping[str, t.Any] = {
    "url": {"type": "string", "description": "Where the service answers", "required": True},
    "token": {"type": "string", "description": "What it asks for", "secret": True, "required": False},
    "timeout": {"type": "integer", "description": "Seconds", "default": 30},
}


_DUMPER: t.Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def to_yaml(value: object) -> str:
    """Return ``value`` as block-style YAML, keys in the order given."""
    return yaml.dump(value, Dumper=_DUMPER, sort_keys=False, default_flow_style=False, allow_unicode=True)


class TreeFile(t.NamedTuple):
    """One file: its git mode (`FILE`, `EXECUTABLE`, `LINK`, `SUBMODULE`) and its bytes.

    For a link the bytes are its target, for a submodule the id of its commit.
    """

    mode: int
    content: bytes


class Tree:
    """Files by their relative path, in memory. Every changing method returns the tree itself."""

    def __init__(self, files: t.Optional[t.Mapping[str, Content]] = None) -> None:
        self.files: t.Dict[str, TreeFile] = {}
        for path, content in (files or {}).items():
            self.add(path, content)

    def add(self, path: str, content: Content, executable: bool = False) -> Tree:
        """Put a file at ``path``, in place of what is there."""
        body = content.encode() if isinstance(content, str) else content
        self.files[path] = TreeFile(EXECUTABLE if executable else FILE, body)
        return self

    def add_yaml(self, path: str, value: object) -> Tree:
        """Put ``value`` as YAML at ``path``."""
        return self.add(path, to_yaml(value))

    def link(self, path: str, target: str) -> Tree:
        """Put a symbolic link at ``path``; the target may be anything, also missing or outside."""
        self.files[path] = TreeFile(LINK, target.encode())
        return self

    def submodule(self, path: str, commit: str) -> Tree:
        """Put a submodule at ``path``, at a full commit id. On disk it is an empty directory, as git leaves it."""
        self.files[path] = TreeFile(SUBMODULE, commit.encode())
        return self

    def remove(self, path: str) -> Tree:
        """Take away the file at ``path``, or everything below it. Raises KeyError where there is nothing."""
        gone = [name for name in self.files if name == path or name.startswith(path + "/")]
        if not gone:
            raise KeyError(path)
        for name in gone:
            del self.files[name]
        return self

    def mount(self, prefix: str, tree: Tree) -> Tree:
        """Put all files of ``tree`` below ``prefix``: for repositories that hold several packs."""
        for path, file in tree.files.items():
            self.files[f"{prefix}/{path}"] = file
        return self

    def copy(self) -> Tree:
        """Return an independent plain tree with the same files."""
        other = Tree()
        other.files = dict(self.files)
        return other

    def text(self, path: str) -> str:
        """Return the text of one file."""
        return self.files[path].content.decode()

    def write(self, directory: t.Union[str, Path]) -> Path:
        """Write every file below ``directory``, made where missing, and return its path."""
        root = Path(directory)
        root.mkdir(parents=True, exist_ok=True)
        for path, file in self.files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.mode == LINK:
                os.symlink(os.fsdecode(file.content), str(target))
            elif file.mode == SUBMODULE:
                target.mkdir()
            else:
                target.write_bytes(file.content)
                target.chmod(file.mode & 0o777)
        return root


class PackTree(Tree):
    """A pack as teams write them: python, shell and orquesta actions, a sensor, rule, alias, policy, trigger and more.

    :arg ref: the pack's ref; also its ``name`` unless ``name`` says otherwise.
    :arg metadata: keys of pack.yaml to set over the usual ones; `ABSENT` leaves a key out.
    :arg actions: names of the python actions. Each returns which pack, version and interpreter ran it.
    :arg action_count: so many further actions, metadata only, which share one entry point.
    :arg requirements: lines of requirements.txt. The file is always there.
    :arg imports: modules that the actions import; their versions are part of what they return.
    :arg config_schema: the content of config.schema.yaml; None leaves it and the example out.
    :arg minimal: only pack.yaml, requirements.txt and one python action.
    """

    def __init__(
        self,
        ref: str = "demo",
        version: str = "1.0.0",
        *,
        name: t.Optional[str] = None,
        metadata: t.Optional[t.Mapping[str, t.Any]] = None,
        actions: t.Sequence[str] = ("report",),
        action_count: int = 0,
        requirements: t.Sequence[str] = (),
        imports: t.Sequence[str] = (),
        dependencies: t.Sequence[str] = (),
        stackstorm_version: t.Optional[str] = None,
        python_versions: t.Optional[t.Sequence[str]] = ("3",),
        config_schema: t.Optional[t.Mapping[str, t.Any]] = USUAL,
        minimal: bool = False,
    ) -> None:
        super().__init__()
        self.ref = ref
        self.version = version
        self.metadata: t.Dict[str, t.Any] = {
            "ref": ref,
            "name": name or ref,
            "description": f"The pack {ref}, made for tests",
            "keywords": ["tests", ref],
            "version": version,
            "python_versions": list(python_versions) if python_versions is not None else ABSENT,
            "author": "A. Tester",
            "email": "tester@example.com",
            "stackstorm_version": stackstorm_version or ABSENT,
            "dependencies": list(dependencies) or ABSENT,
        }
        self.set_metadata(**(metadata or {}))
        self.add("requirements.txt", "".join(f"{line}\n" for line in requirements))
        self._add_actions(actions, action_count, imports)
        if not minimal:
            self._add_surroundings(CONFIG_SCHEMA if config_schema is USUAL else config_schema)
            self._add_resources(actions[0] if actions else "greet")

    def set_metadata(self, **changes: t.Any) -> PackTree:
        """Change keys of pack.yaml (`ABSENT` takes one away) and write it anew."""
        self.metadata.update(changes)
        self.metadata = {key: value for key, value in self.metadata.items() if value is not ABSENT}
        self.add_yaml("pack.yaml", self.metadata)
        return self

    def with_requirements(self, *lines: str) -> PackTree:
        """Replace requirements.txt."""
        self.add("requirements.txt", "".join(f"{line}\n" for line in lines))
        return self

    def _add_actions(self, actions: t.Sequence[str], count: int, imports: t.Sequence[str]) -> None:
        self.add("actions/lib/__init__.py", "")
        self.add("actions/lib/pack_facts.py", bodies.facts(self.ref, self.version, imports))
        for action in actions:
            self.add_yaml(f"actions/{action}.yaml", bodies.python_action(action))
            self.add(f"actions/{action}.py", bodies.ACTION_SCRIPT)
        for number in range(count):
            self.add_yaml(
                f"actions/bulk_{number:04}.yaml", bodies.python_action(f"bulk_{number:04}", f"{actions[0]}.py")
            )

    def _add_surroundings(self, config_schema: t.Optional[t.Mapping[str, t.Any]]) -> None:
        self.add("README.md", f"# {self.metadata.get('name', self.ref)}\n\nMade for tests, version {self.version}.\n")
        self.add("CHANGES.md", f"# Change log\n\n## {self.version}\n\n- Anything.\n")
        self.add("LICENSE", "Any use is welcome.\n")
        self.add("icon.png", ICON)
        self.add(".gitignore", "*.pyc\n")
        self.add("tests/test_action_report.py", "def test_nothing():\n    pass\n")
        self.add("tests/fixtures/answer.json", '{"answer": 42}\n')
        if config_schema is not None:
            self.add_yaml("config.schema.yaml", dict(config_schema))
            self.add(f"{self.ref}.yaml.example", "---\nurl: https://service.example.com\ntoken: change-me\n")
            self.link("tests/fixtures/full.yaml", f"../../{self.ref}.yaml.example")

    def _add_resources(self, action: str) -> None:
        self.add_yaml("actions/greet.yaml", bodies.shell_action("greet", "scripts/greet.sh"))
        self.add("actions/scripts/greet.sh", bodies.SHELL_SCRIPT, executable=True)
        self.add_yaml("actions/relay.yaml", bodies.workflow_action("relay"))
        self.add_yaml("actions/workflows/relay.yaml", bodies.workflow("core.noop"))
        self.add_yaml("sensors/pulse.yaml", bodies.sensor(self.ref, "pulse"))
        self.add("sensors/pulse.py", bodies.SENSOR_SCRIPT)
        self.add_yaml("rules/on_pulse.yaml", bodies.rule(self.ref, "on_pulse", f"{self.ref}.beat"))
        self.add_yaml("aliases/report.yaml", bodies.alias("report", f"{self.ref}.{action}"))
        self.add_yaml("policies/report_retry.yaml", bodies.policy("report_retry", f"{self.ref}.{action}"))
        self.add_yaml("triggers/beat.yaml", bodies.trigger(self.ref, "beat"))
