# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The StackStorm host: where its packs, virtualenvs and configs are, and which Python it uses.

Everything is read from files; no program is started, so that a satisfied task stays cheap.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field

from .._errors import HostError
from .conf import DEFAULTS, Settings, read_settings, split_list
from .environment_file import read_environment_file

DEFAULT_ST2_CONF = "/etc/st2/st2.conf"
# Debian's and EL's place for the variables of the service that installs packs (packaging/*/systemd/*.service).
ENVIRONMENT_FILES = ("/etc/default/st2actionrunner", "/etc/sysconfig/st2actionrunner")
_SYSTEM_PYTHONS = ("/usr/bin/python3", "/usr/local/bin/python3", "/usr/libexec/platform-python")
_VERSION = re.compile(r"""^__version__\s*=\s*['"]([^'"]+)['"]""", re.MULTILINE)
# StackStorm's shipped sample writes "None" for options that are not set.
_UNSET = ("", "None")


@dataclass(frozen=True)
class Host:
    """One StackStorm host as its own settings describe it.

    :arg st2_conf: The file that was read.
    :arg base_path: C([system] base_path).
    :arg packs_base_paths: Directories that hold packs, the system packs path first, duplicates removed.
    :arg virtualenvs_path: Directory of the pack virtualenvs.
    :arg configs_path: Directory of the pack configs.
    :arg overrides_path: Directory of the pack overrides.
    :arg pack_group: Group that packs and virtualenvs belong to; C(None) where the host wants none.
    :arg index_urls: Pack indexes, the leftmost wins; as configured, so possibly with userinfo.
    :arg python_binary: Interpreter of the pack virtualenvs.
    :arg virtualenv_binary: The virtualenv program; C(None) where none is set and none is beside StackStorm's Python.
    :arg virtualenv_opts: Options for it.
    :arg pip_opts: Options for C(pip install).
    :arg st2_python: Python of StackStorm's own virtualenv, C(None) where there is none.
    :arg st2_site_packages: Its C(site-packages).
    :arg st2_version: Version of StackStorm, C(None) where it is not installed.
    :arg service_environment: Variables of the st2actionrunner service, from its environment file.
    """

    st2_conf: str
    base_path: str
    packs_base_paths: t.Tuple[str, ...]
    virtualenvs_path: str
    configs_path: str
    overrides_path: str
    pack_group: t.Optional[str]
    index_urls: t.Tuple[str, ...] = field(repr=False)
    python_binary: str
    virtualenv_binary: t.Optional[str]
    virtualenv_opts: t.Tuple[str, ...]
    pip_opts: t.Tuple[str, ...] = field(repr=False)
    st2_python: t.Optional[str]
    st2_site_packages: t.Optional[str]
    st2_version: t.Optional[str]
    service_environment: t.Mapping[str, str] = field(repr=False)

    @property
    def system_packs_path(self) -> str:
        """The first directory of packs, where StackStorm's own packs are and where packs get installed."""
        return self.packs_base_paths[0]

    @property
    def root(self) -> str:
        """The root directory that C(st2_conf) is in, such as a scratch directory; empty for that of the system."""
        return root_of(self.st2_conf)


def read_host(
    st2_conf: str = DEFAULT_ST2_CONF,
    environment: t.Optional[t.Mapping[str, str]] = None,
    environment_files: t.Optional[t.Sequence[str]] = None,
) -> Host:
    """Read a host's settings, StackStorm's defaults filled in.

    :arg st2_conf: The host's C(st2.conf), an absolute path.
    :arg environment: The environment of this process (the default); its C(ST2_SECTION__OPTION) win over the file's
        values.
    :arg environment_files: Environment files of the st2actionrunner service, a later one wins; theirs count too, below
        C(environment). By default those of the system; for a C(st2_conf) that ends in C(/etc/st2/st2.conf), those of
        the root directory that it is in, so that a host in a scratch directory never takes the real one's.
    :raises HostError: when C(st2_conf) is missing or wrong, or a directory in it is not an absolute path.
    """
    environment = os.environ if environment is None else environment
    root = root_of(st2_conf)
    if environment_files is None:
        environment_files = [f"{root}{name}" for name in ENVIRONMENT_FILES]
    service_environment: t.Dict[str, str] = {}
    for name in environment_files:
        service_environment.update(read_environment_file(name))
    settings = read_settings(st2_conf, environment, service_environment)
    base_path = _directory(settings, "system", "base_path")
    service = _service_virtualenv(_service_candidates(base_path, root))
    st2_python = f"{service}/bin/python" if service else None
    site_packages = _site_packages(service) if service else None
    return Host(
        st2_conf=st2_conf,
        base_path=base_path,
        packs_base_paths=_packs_base_paths(settings),
        virtualenvs_path=f"{base_path}/virtualenvs",
        configs_path=f"{base_path}/configs",
        overrides_path=f"{base_path}/overrides",
        pack_group=_text(settings, "content", "pack_group"),
        index_urls=_items(settings, "content", "index_url"),
        python_binary=_text(settings, "actionrunner", "python_binary") or st2_python or _system_python(),
        virtualenv_binary=_text(settings, "actionrunner", "virtualenv_binary") or _virtualenv_beside(st2_python),
        virtualenv_opts=_items(settings, "actionrunner", "virtualenv_opts"),
        pip_opts=_items(settings, "actionrunner", "pip_opts"),
        st2_python=st2_python,
        st2_site_packages=site_packages,
        st2_version=_version(site_packages) if site_packages else None,
        service_environment=service_environment,
    )


def root_of(st2_conf: str) -> str:
    """As L(Host.root), by the path of C(st2.conf) alone."""
    return st2_conf[: -len(DEFAULT_ST2_CONF)] if st2_conf.endswith(DEFAULT_ST2_CONF) else ""


def _text(settings: Settings, section: str, option: str) -> t.Optional[str]:
    found = settings.get(section, option)
    value = found.value.strip() if found else DEFAULTS.get((section, option), "")
    return None if value in _UNSET else value


def _items(settings: Settings, section: str, option: str) -> t.Tuple[str, ...]:
    found = settings.get_list(section, option)
    return split_list(DEFAULTS.get((section, option), "")) if found is None else found


def _directory(settings: Settings, section: str, option: str) -> str:
    found = settings.get(section, option)
    if found is None or found.value.strip() in _UNSET:
        return DEFAULTS[(section, option)]
    return _absolute(found.value.strip(), found.origin, section, option)


def _absolute(path: str, origin: str, section: str, option: str) -> str:
    if not path.startswith("/"):
        raise HostError(f'{origin}: [{section}] {option} has "{path}", which is not an absolute path. Set it to one.')
    return "/" + os.path.normpath(path).lstrip("/")


def _packs_base_paths(settings: Settings) -> t.Tuple[str, ...]:
    """The directories of packs in StackStorm's order (st2common/content/utils.py get_packs_base_paths).

    The system path does not follow C(base_path): StackStorm computes its default before it reads the file.
    """
    paths = [_directory(settings, "content", "system_packs_base_path")]
    more = settings.get("content", "packs_base_paths")
    if more is not None:
        items = [item.strip() for item in more.value.split(":")]
        paths += [_absolute(item, more.origin, "content", "packs_base_paths") for item in items if item not in _UNSET]
    return tuple(dict.fromkeys(paths))


def _service_candidates(base_path: str, root: str) -> t.Iterable[str]:
    """Where StackStorm's own virtualenv may be. To a host in a root of its own the usual place is another host's."""
    usual = DEFAULTS[("system", "base_path")]
    own = [] if root and base_path == usual else [f"{base_path}/st2"]
    return dict.fromkeys([*own, f"{root}{usual}/st2"])


def _service_virtualenv(candidates: t.Iterable[str]) -> t.Optional[str]:
    for candidate in candidates:
        if os.access(f"{candidate}/bin/python", os.X_OK):
            return candidate
    return None


def _site_packages(virtualenv: str) -> t.Optional[str]:
    """The C(site-packages) that holds StackStorm; else the last one there is."""
    found = None
    try:
        names = sorted(os.listdir(f"{virtualenv}/lib"))
    except OSError:
        return None
    for name in names:
        path = f"{virtualenv}/lib/{name}/site-packages"
        if name.startswith("python3") and os.path.isdir(path):
            found = path
            if os.path.isdir(f"{path}/st2common"):
                break
    return found


def _version(site_packages: str) -> t.Optional[str]:
    try:
        with open(f"{site_packages}/st2common/__init__.py", encoding="utf-8", errors="replace") as stream:
            match = _VERSION.search(stream.read())
    except OSError:
        return None
    return match.group(1) if match else None


def _system_python() -> str:
    for path in _SYSTEM_PYTHONS:
        if os.access(path, os.X_OK):
            return path
    return _SYSTEM_PYTHONS[0]


def _virtualenv_beside(python: t.Optional[str]) -> t.Optional[str]:
    # StackStorm's default is the virtualenv next to its own interpreter (st2common/config.py).
    path = f"{os.path.dirname(python)}/virtualenv" if python else ""
    return path if path and os.access(path, os.X_OK) else None
