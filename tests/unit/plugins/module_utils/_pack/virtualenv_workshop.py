# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making virtualenvs for real: a package index on loopback, a virtualenvs directory, and a look at what came out."""

from __future__ import annotations

import ensurepip
import os
import shutil
import subprocess
import sys
from pathlib import Path

from infrastructure.environment import clean_environment
from infrastructure.servers import PackageIndex

from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import VirtualenvsDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv import Interpreters, Settings
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv_backend import choose_backend
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv_build import VirtualenvBuilder
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor

# The interpreter itself: that of a virtualenv would bring its own way to pip.
PYTHON = os.path.join(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info[:2]))


PIP_WHEELS = list((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))


def package_index(directory):
    """A package index with pip itself, where this Python brings it along."""
    packages = PackageIndex(directory)
    for wheel in PIP_WHEELS:
        shutil.copy(wheel, packages.directory)
    return packages


class Workshop:
    """A virtualenvs directory of a host, a builder for it, and one base."""

    def __init__(self, root, index, backend, options=("--always-copy",), st2=True, **environment):
        self.root = Path(root)
        (self.root / "home").mkdir(exist_ok=True)
        self.staging = Staging()
        self.directory = VirtualenvsDirectory(str(self.root / "virtualenvs"))
        self.st2 = self.root / "st2" / "site-packages"
        self.st2.mkdir(parents=True, exist_ok=True)
        (self.st2 / "st2common_stand_in.py").write_text("__version__ = '3.9.0'\n")
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment = clean_environment(self.root / "home", PATH=path, **{**index.environment(), **environment})
        self.settings = Settings(PYTHON, tuple(options), (), str(self.st2) if st2 else None)
        self.interpreters = Interpreters(Deadline(120), self.environment)
        self.backend = choose_backend(backend, self.settings, None, self.environment)

    def builder(self, seconds=120):
        return VirtualenvBuilder(
            self.directory,
            self.backend,
            self.interpreters.look(PYTHON),
            staging=self.staging,
            deadline=Deadline(seconds),
            environment=self.environment,
            redactor=Redactor(["hunter2"]),
        )

    def pack(self, ref, *requirements, **files):
        """A pack directory with these requirements."""
        path = self.root / "packs" / ref
        path.mkdir(parents=True, exist_ok=True)
        (path / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements))
        for name, text in files.items():
            (path / f"{name}.txt").write_text(text)
        return str(path)

    def staged(self, ref):
        path = self.root / "virtualenvs" / ".stackstorm.st2" / "staging" / "1-aa" / "virtualenvs" / ref
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)

    def make(self, ref, *requirements):
        """Build a virtualenv and put it in its place; return that."""
        builder, staged = self.builder(), self.staged(ref)
        builder.build(builder.ensure_base(), ref, self.pack(ref, *requirements), staged)
        live = self.directory.virtualenv(ref)
        os.rename(staged, live)
        return Path(live)


def ask(python, code):
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def version_of(live, module):
    return ask(live / "bin" / "python", f"import {module}; print({module}.__version__)")


def scripts(live):
    """The scripts of a virtualenv: its text files that name an interpreter."""
    found = {}
    for path in sorted((live / "bin").iterdir()):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        if content.startswith(b"#!") and b"python" in content.split(b"\n", 2)[0] + content.split(b"\n", 2)[1]:
            found[path.name] = content
    return found
