# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory shaped like a StackStorm host, and ways to look at it that owe nothing to the collection."""

from __future__ import annotations

import getpass
import grp
import json
import os
import shutil
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

from .environment import clean_environment
from .packs import PackTree, Tree
from .repositories import GitRepository, run_git
from .snapshot import Snapshot, take_snapshot

SYSTEM_PACKS = ("chatops", "core", "linux", "packs")
STACKSTORM_VERSION = "3.9.0"

BASE_ACTION = '''\
class Action(object):
    """What StackStorm gives to python actions, as far as the packs of the tests need it."""

    def __init__(self, config=None, action_service=None):
        self.config = config or {}
        self.action_service = action_service
'''
RUN_ACTION = """\
import importlib.util, inspect, json, sys
spec = importlib.util.spec_from_file_location("action", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from st2common.runners.base_action import Action
found = [c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, Action) and c is not Action]
print(json.dumps(found[0](config={}).run(**json.loads(sys.argv[2]))))
"""
IMPORT_MODULE = """\
import importlib, sys
try:
    print(getattr(importlib.import_module(sys.argv[1]), "__version__", "unknown"))
except ImportError:
    pass
"""


class ActionFailed(AssertionError):
    """A pack's action could not be run; the message has its output."""


class ScratchHost:
    """A StackStorm host in miniature below ``root``, at ``opt/stackstorm`` and ``etc/st2`` as the packages lay it out.

    :arg index_url: what st2.conf names as indexes.
    :arg python: the interpreter that StackStorm's own virtualenv is made of; the running one by default.
    :arg packs_base_paths: further base paths, relative to ``root``; they are made.
    :arg libraries: directories that StackStorm's Python finds modules in, for those that it is to have.
    :arg virtualenv_opts: what st2.conf says; the packages ship ``--always-copy``.

    The attributes ``packs``, ``virtualenvs``, ``configs``, ``overrides``, ``service`` (StackStorm's virtualenv) and
    ``st2_conf`` are paths. ``home`` and ``tmp`` are for programs under test and are no part of a `snapshot`.
    """

    def __init__(
        self,
        root: t.Union[str, Path],
        index_url: t.Union[str, t.Sequence[str]] = (),
        python: t.Optional[str] = None,
        packs_base_paths: t.Sequence[str] = (),
        libraries: t.Sequence[t.Union[str, Path]] = (),
        virtualenv_opts: str = "--always-copy",
        version: str = STACKSTORM_VERSION,
    ) -> None:
        self.root = Path(root).resolve()
        self.base_path = self.root / "opt" / "stackstorm"
        self.packs, self.virtualenvs, self.configs, self.overrides, self.service = (
            self.base_path / name for name in ("packs", "virtualenvs", "configs", "overrides", "st2")
        )
        self.st2_conf = self.root / "etc" / "st2" / "st2.conf"
        self.env_file = self.root / "etc" / "default" / "st2actionrunner"
        self.home, self.tmp = self.root / "home", self.root / "tmp"
        self.extra_base_paths = [self.root / path for path in packs_base_paths]
        self.group = grp.getgrgid(os.getgid()).gr_name
        self.user = getpass.getuser()
        self.version = version
        for path in (self.packs, self.virtualenvs, self.configs, self.overrides, *self.extra_base_paths):
            path.mkdir(parents=True)
        for path in (self.st2_conf.parent, self.env_file.parent, self.home, self.tmp):
            path.mkdir(parents=True)
        self.site_packages = self._make_service(python or sys.executable, libraries)
        self.options: t.Dict[str, t.Dict[str, str]] = {
            "system": {"base_path": str(self.base_path)},
            "content": {
                "system_packs_base_path": str(self.packs),
                "packs_base_paths": ":".join(map(str, self.extra_base_paths)),
                "pack_group": self.group,
                "index_url": index_url if isinstance(index_url, str) else ",".join(index_url),
            },
            "actionrunner": {
                "python_binary": str(self.service / "bin" / "python"),
                "virtualenv_binary": str(self.service / "bin" / "virtualenv"),
                "virtualenv_opts": virtualenv_opts,
                "pip_opts": "",
            },
        }
        self.configure()
        for name in SYSTEM_PACKS:
            PackTree(name, version, minimal=True).write(self.packs / name)

    # Settings

    def configure(self, section: str = "", **options: t.Optional[str]) -> ScratchHost:
        """Set options of one section of st2.conf and write the file anew; None takes an option out."""
        if section:
            kept = {**self.options.get(section, {}), **options}
            self.options[section] = {name: value for name, value in kept.items() if value is not None}
        lines = ["# Made for tests.\n"]
        for name, values in self.options.items():
            lines.append(f"[{name}]\n" + "".join(f"{key} = {value}".rstrip() + "\n" for key, value in values.items()))
        self.st2_conf.write_text("\n".join(lines))
        return self

    def set_service_environment(self, **variables: str) -> Path:
        """Write the file with the variables of st2actionrunner (``etc/default/st2actionrunner``); return its path."""
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
        return self.env_file

    def environment(self, **extra: str) -> t.Dict[str, str]:
        """Return the environment for programs under test: a home and temporary directory of their own, no proxies."""
        return clean_environment(self.home, TMPDIR=str(self.tmp), **extra)

    def add_register_content(self, database: Path) -> Path:
        """Put a stand-in for ``st2-register-content`` into the service, on the database of a `StackStormStub`."""
        from .st2_stub import register_content

        return register_content.install(self.service, database)

    # Packs put there by others

    def place(self, tree: Tree, ref: str, base_path: t.Optional[Path] = None) -> Path:
        """Write a pack as plain files, as a person copies it there; return its directory."""
        return tree.write((base_path or self.packs) / ref)

    def install_like_st2(self, repository: GitRepository, ref: str, revision: str = "", origin: str = "") -> Path:
        """Leave a pack as `st2 pack install` leaves it: a full clone on its default branch, everything mode 0775.

        :arg revision: which commit; the default branch is moved back to it. The tip by default.
        :arg origin: the remote URL that the clone says; the repository's path by default.
        """
        target = self.packs / ref
        run_git("clone", "--quiet", repository.path, target)
        run_git("-C", target, "checkout", "--quiet", "-B", repository.default_branch, revision or "HEAD")
        run_git("-C", target, "remote", "set-url", "origin", origin or str(repository.path))
        for folder, directories, files in os.walk(target):
            for name in (*directories, *files):
                path = Path(folder) / name
                if path.exists():
                    path.chmod(0o775)
        return target

    # Reading back

    def snapshot(self, exclude: t.Collection[str] = (), identity: bool = False) -> Snapshot:
        """Return every path of the host (see `take_snapshot`); ``home`` and ``tmp`` at the top are left out."""
        found = take_snapshot(self.root, exclude, identity)
        return {path: entry for path, entry in found.items() if path.split("/")[0] not in ("home", "tmp")}

    def pack_path(self, ref: str) -> Path:
        """Return the directory of an installed pack in the system packs directory, or where it would be."""
        return self.packs / ref

    def pack_metadata(self, ref: str) -> t.Optional[t.Dict[str, t.Any]]:
        """Return what the installed pack.yaml says; None where there is none."""
        try:
            return dict(yaml.safe_load((self.packs / ref / "pack.yaml").read_bytes()))
        except FileNotFoundError:
            return None

    def pack_version(self, ref: str) -> t.Optional[str]:
        """Return the version in the installed pack.yaml; None where the pack is not installed."""
        metadata = self.pack_metadata(ref)
        return None if metadata is None else str(metadata["version"])

    def installed(self) -> t.List[str]:
        """Return what StackStorm would register: directories with a pack.yaml in any base path, less system packs."""
        paths = [entry for base in (self.packs, *self.extra_base_paths) for entry in base.iterdir()]
        return sorted(path.name for path in paths if (path / "pack.yaml").is_file() and path.name not in SYSTEM_PACKS)

    def git(self, ref: str, *arguments: str) -> str:
        """Run git in the installed pack, leaving it untouched, and return its output. Raises `GitError`."""
        return run_git("--no-optional-locks", "-C", self.packs / ref, *arguments)

    def head(self, ref: str) -> t.Optional[str]:
        """Return the full commit id of the installed pack; None where it is not a working copy."""
        return self.git(ref, "rev-parse", "HEAD") if (self.packs / ref / ".git").exists() else None

    def branch(self, ref: str) -> t.Optional[str]:
        """Return the branch that the installed pack is on; None where HEAD is detached."""
        return self.git(ref, "branch", "--show-current") or None

    def origin(self, ref: str) -> str:
        """Return the remote URL that the installed pack says."""
        return self.git(ref, "config", "remote.origin.url")

    def edited(self, ref: str) -> t.List[str]:
        """Return git's short status of the installed pack, a line each, ignored files left out."""
        return self.git(ref, "status", "--porcelain").splitlines()

    def interpreter(self, ref: str) -> Path:
        """Return the path of the interpreter in the pack's virtualenv, which need not be there."""
        return self.virtualenvs / ref / "bin" / "python"

    def virtualenv_imports(self, ref: str, module: str) -> t.Optional[str]:
        """Return the version of a module as the pack's virtualenv alone finds it; None where it does not.

        No PYTHONPATH helps here: StackStorm's own modules are found by the virtualenv's .pth file or not at all.
        """
        command = [str(self.interpreter(ref)), "-I", "-B", "-c", IMPORT_MODULE, module]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=True)
        return done.stdout.strip() or None

    def run_action(self, ref: str, action: str, **parameters: t.Any) -> t.Any:
        """Run an action of an installed pack as StackStorm's runner does, in its virtualenv, and return its result.

        A shell action returns what it printed; its parameters are passed in the order given. Raises `ActionFailed`,
        also where the pack has no virtualenv: StackStorm then runs no python action of it.
        """
        pack = self.packs / ref
        metadata = self._action_metadata(pack, action)
        script = pack / "actions" / metadata["entry_point"]
        if metadata["runner_type"] == "local-shell-script":
            return self._run([str(script), *map(str, parameters.values())], {}).strip()
        command = [self._action_interpreter(ref), "-B", "-c", RUN_ACTION, str(script), json.dumps(parameters)]
        virtualenv = self.virtualenvs / ref
        places = [virtualenv / "lib", *virtualenv.glob("lib/python3*/site-packages")]
        places += [pack / "actions" / "lib", self.site_packages]
        path = os.pathsep.join([str(virtualenv / "bin"), os.environ["PATH"]])
        variables = {"PYTHONPATH": os.pathsep.join(map(str, places)), "PATH": path, "VIRTUAL_ENV": str(virtualenv)}
        return json.loads(self._run(command, variables))

    def writable_by_others(self) -> t.List[str]:
        """Return the paths below ``opt`` and ``etc`` that anybody may write; links and sockets do not count."""
        return [
            path for path, e in self.snapshot().items() if e.type in ("file", "directory") and e.mode & stat.S_IWOTH
        ]

    def _action_interpreter(self, ref: str) -> str:
        if ref in SYSTEM_PACKS:
            return str(self.service / "bin" / "python")
        if not self.interpreter(ref).exists():
            raise ActionFailed(f"virtual environment {self.virtualenvs / ref} does not exist")
        return str(self.interpreter(ref))

    def _action_metadata(self, pack: Path, action: str) -> t.Dict[str, t.Any]:
        for path in sorted((pack / "actions").glob("*.y*ml")):
            metadata = yaml.safe_load(path.read_bytes())
            if metadata.get("name") == action:
                return dict(metadata)
        raise ActionFailed(f"{pack} has no action {action}")

    def _run(self, command: t.Sequence[str], variables: t.Mapping[str, str]) -> str:
        environment = {**self.environment(), **variables}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ActionFailed(f"exit {done.returncode} of {command[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    # StackStorm itself

    def _make_service(self, python: str, libraries: t.Sequence[t.Union[str, Path]]) -> Path:
        """Make StackStorm's virtualenv, by hand since that is quick, and return its site-packages."""
        base, number = _base_interpreter(python)
        site = self.service / "lib" / f"python{number}" / "site-packages"
        (self.service / "bin").mkdir(parents=True)
        (site / "st2common" / "runners").mkdir(parents=True)
        (self.service / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
        (self.service / "bin" / "python").symlink_to(base)
        (self.service / "bin" / "python3").symlink_to("python")
        program = shutil.which("virtualenv", path=str(Path(sys.executable).parent)) or shutil.which("virtualenv")
        if program:
            (self.service / "bin" / "virtualenv").symlink_to(program)
        (site / "st2common" / "__init__.py").write_text(f'__version__ = "{self.version}"\n')
        (site / "st2common" / "runners" / "__init__.py").write_text("")
        (site / "st2common" / "runners" / "base_action.py").write_text(BASE_ACTION)
        if libraries:
            (site / "libraries.pth").write_text("".join(f"{path}\n" for path in libraries))
        return site


def _base_interpreter(python: str) -> t.Tuple[Path, str]:
    """Return the interpreter below a virtualenv's one, and its version such as ``3.11``."""
    prefix, number = sys.base_prefix, f"{sys.version_info[0]}.{sys.version_info[1]}"
    if python != sys.executable:
        code = "import sys; print(sys.base_prefix); print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
        prefix, number = done.stdout.split("\n")[:2]
    return Path(prefix) / "bin" / f"python{number}", number
