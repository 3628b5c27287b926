# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The programs that make virtualenvs, behind one face: uv, virtualenv, venv."""

from __future__ import annotations

import configparser
import os
import shutil
import typing as t
from dataclasses import dataclass, field, replace

from .._errors import VirtualenvError
from .._secrets import split_userinfo
from .virtualenv import Settings

# What pip is told, and what tells uv the same; None where it makes no difference to the result.
_UV_VARIABLES: t.Mapping[str, t.Optional[str]] = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "disable-pip-version-check": None,
    "root-user-action": None,
    "break-system-packages": None,
    "no-input": None,
    "progress-bar": None,
    "quiet": None,
    "retries": None,
    "config-file": None,
    "no-warn-script-location": None,
}
_UV_FLAGS: t.Mapping[str, t.Optional[str]] = {
    "--no-index": "--no-index",
    "--pre": "--prerelease=allow",
    "--no-deps": "--no-deps",
    "--no-cache-dir": "--no-cache",
    "--require-hashes": "--require-hashes",
    "--upgrade": "--upgrade",
    "-U": "--upgrade",
    "--quiet": None,
    "-q": None,
    "--disable-pip-version-check": None,
    "--no-input": None,
    "--no-warn-script-location": None,
}
_UV_VALUES: t.Mapping[str, str] = {
    "--index-url": "--default-index",
    "-i": "--default-index",
    "--extra-index-url": "--index",
    "--find-links": "--find-links",
    "-f": "--find-links",
    "--trusted-host": "--allow-insecure-host",
    "--constraint": "--constraint",
    "-c": "--constraint",
    "--no-binary": "--no-binary",
    "--only-binary": "--only-binary",
}
_OFFLINE = {"UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
_PUBLIC_INDEX = "https://pypi.org/simple"
_COMMA_SEPARATED = ("UV_FIND_LINKS",)
# Where pip finds settings for all accounts of a host; later ones win.
_HOST_CONFIGURATION = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf")
# Options of pip whose value may hold a password, and the settings that say the same without being seen in argv.
_ADDRESSES: t.Mapping[str, str] = {
    "--index-url": "index-url",
    "-i": "index-url",
    "--extra-index-url": "extra-index-url",
    "--find-links": "find-links",
    "-f": "find-links",
}
_VIRTUALENV_OPTIONS_OF_UV = {
    "--system-site-packages": "--system-site-packages",
    "--always-copy": None,
    "--copies": None,
}


@dataclass(frozen=True)
class Backend:
    """How virtualenvs are made and filled.

    :arg name: C(uv), C(virtualenv) or C(venv).
    :arg program: The uv or virtualenv program; the interpreter for venv.
    :arg variables: Environment variables for it, derived from pip's configuration.
    :arg otherwise: What goes on where this one refuses; nothing for one that was asked for by name.
    """

    name: str
    program: str
    settings: Settings
    install_options: t.Tuple[str, ...] = ()
    variables: t.Mapping[str, str] = field(default_factory=dict)
    otherwise: t.Optional[Backend] = None

    @property
    def installer(self) -> str:
        """The program that installs packages."""
        return "uv" if self.name == "uv" else "pip"

    @property
    def reinstall(self) -> t.Tuple[str, ...]:
        """The options by which packages are installed that are there already."""
        return ("--reinstall",) if self.name == "uv" else ("--force-reinstall",)

    def from_directory(self, directory: str) -> Backend:
        """The same, taking packages from a directory of wheels alone, without the network."""
        otherwise = self.otherwise.from_directory(directory) if self.otherwise else None
        # uv takes it once only, and it may be configured already.
        given = [option for option in self.install_options if option != "--no-index"]
        options = (*given, "--no-index", "--find-links", directory)
        return replace(self, install_options=options, variables={**self.variables, **_OFFLINE}, otherwise=otherwise)

    def by_digests(self) -> Backend:
        """The same for packages that are all named with digests: uv refuses constraints beside them that have none."""
        if self.name != "uv":
            return self
        otherwise = self.otherwise.by_digests() if self.otherwise else None
        options = list(self.install_options)
        while "--constraint" in options:
            del options[options.index("--constraint") :][:2]
        variables = {**self.variables, "UV_CONSTRAINT": ""}
        return replace(self, install_options=tuple(options), variables=variables, otherwise=otherwise)

    def create(self, path: str) -> t.List[str]:
        """The command that makes an empty virtualenv (st2common/util/virtualenvs.py create_virtualenv)."""
        options = list(self.settings.options)
        if self.name == "uv":
            translated = [_VIRTUALENV_OPTIONS_OF_UV[option] for option in options]
            flags = [flag for flag in translated if flag]
            return [self.program, "venv", "--quiet", "--no-project", "--python", self.settings.python, *flags, path]
        if self.name == "virtualenv":
            return [self.program, "-p", self.settings.python, *options, "--no-download", path]
        known = {
            "--always-copy": "--copies",
            "--copies": "--copies",
            "--system-site-packages": "--system-site-packages",
        }
        return [self.program, "-m", "venv", *(known[option] for option in options if option in known), path]

    def install(self, path: str, *what: str) -> t.List[str]:
        """The command that installs packages into the virtualenv at C(path)."""
        python = os.path.join(path, "bin", "python")
        if self.name == "uv":
            return [self.program, "pip", "install", "--quiet", "--python", python, *self.install_options, *what]
        # Bytecode would name the place where it was compiled; see virtualenv_paths.compile_packages.
        return [python, "-m", "pip", "install", "--no-compile", *self.install_options, *what]


def choose_backend(
    asked: str, settings: Settings, virtualenv_binary: t.Optional[str], environment: t.Mapping[str, str]
) -> Backend:
    """The backend for a task: the one asked for, or with C(auto) the first of uv, virtualenv and venv that serves.

    uv serves when it is on the host and can be told everything that st2.conf, the task and pip's configuration say.
    With C(auto), the next one is at hand for what it refuses.

    :raises VirtualenvError: when the one asked for is not there or cannot do what the options say.
    """
    options, variables = _take_passwords(settings.pip_options, environment)
    venv = Backend("venv", settings.python, settings, options, variables)
    if asked == "venv":
        return venv
    program = virtualenv_binary if virtualenv_binary and os.path.isfile(virtualenv_binary) else None
    program = program or _find("virtualenv", environment)
    without_uv = venv
    if program:
        further = venv if asked == "auto" else None
        without_uv = Backend("virtualenv", program, settings, options, variables, otherwise=further)
    elif asked == "virtualenv":
        raise VirtualenvError(
            f"virtualenv_backend is virtualenv, but {virtualenv_binary or 'virtualenv'} is not on this host."
        )
    if asked == "virtualenv":
        return without_uv
    try:
        found = _find_uv(settings, options, variables, environment)
        return replace(found, otherwise=without_uv) if asked == "auto" else found
    except ValueError as error:
        if asked == "uv":
            raise VirtualenvError(f"virtualenv_backend is uv, but {error}.") from error
    return without_uv


def find_uv(settings: Settings, environment: t.Mapping[str, str]) -> Backend:
    """uv, told all that pip is told, for what nothing else does.

    :raises VirtualenvError: when it is not there, or cannot be told that.
    """
    options, variables = _take_passwords(settings.pip_options, environment)
    try:
        return _find_uv(settings, options, variables, environment)
    except ValueError as error:
        raise VirtualenvError(f"uv is needed, but {error}.") from error


def _find_uv(
    settings: Settings, options: t.Sequence[str], variables: t.Mapping[str, str], environment: t.Mapping[str, str]
) -> Backend:
    uv = _find("uv", environment)
    if uv is None:
        raise ValueError("the program uv is not on this host")
    return _uv(uv, settings, options, {**environment, **variables})


def _find(program: str, environment: t.Mapping[str, str]) -> t.Optional[str]:
    path = environment.get("PATH", os.defpath)
    return shutil.which(program, path=os.pathsep.join([path, "/usr/local/bin", "/opt/stackstorm/st2/bin"]))


def _take_passwords(
    options: t.Sequence[str], environment: t.Mapping[str, str]
) -> t.Tuple[t.Tuple[str, ...], t.Dict[str, str]]:
    """Move addresses with a password from pip's options to its environment.

    :returns: The other options, and the variables.
    """
    kept: t.List[str] = []
    variables: t.Dict[str, str] = {}
    rest = list(options)
    while rest:
        option = rest.pop(0)
        name, equals, value = option.partition("=")
        if name in _ADDRESSES and (equals or rest):
            value = value if equals else rest.pop(0)
            if split_userinfo(value)[1]:
                setting = _ADDRESSES[name]
                variable = f"PIP_{setting.upper().replace('-', '_')}"
                # A further address joins those that are configured, as the option does; the index takes their place.
                before = [] if setting == "index-url" else [_configured(setting, {**environment, **variables})]
                variables[variable] = " ".join([*filter(None, before), value])
            else:
                kept += [option] if equals else [option, value]
        else:
            kept.append(option)
    return tuple(kept), variables


def _configured(setting: str, environment: t.Mapping[str, str]) -> str:
    try:
        return " ".join(pip_configuration(environment).get(setting, "").split())
    except ValueError as error:
        raise VirtualenvError(f"The options for pip cannot be used: {error}.") from error


def _uv(program: str, settings: Settings, options: t.Sequence[str], environment: t.Mapping[str, str]) -> Backend:
    for option in settings.options:
        if option not in _VIRTUALENV_OPTIONS_OF_UV:
            raise ValueError(f"it does not support the virtualenv option {option}")
    # Trust whom the host trusts, as pip does; uv brings its own list otherwise.
    variables = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"}
    flags: t.List[str] = []
    for key, value in pip_configuration(environment).items():
        if key == "no-index":
            flags += ["--no-index"] if value.lower() in ("1", "true", "yes", "on") else []
        elif key not in _UV_VARIABLES:
            raise ValueError(f"it does not support pip's setting {key}, which is configured on this host")
        else:
            variable = _UV_VARIABLES[key]
            if variable:
                variables[variable] = (",".join if variable in _COMMA_SEPARATED else " ".join)(value.split())
    own = {key: value for key, value in environment.items() if key.startswith("UV_")}
    own["UV_LINK_MODE"] = "copy"  # Nobody who edits a file of a virtualenv shall edit those of others.
    translated = (*flags, *_translate(options))
    if "UV_INDEX" in variables or "--index" in translated:
        # pip takes the best of all indexes; uv would stop at the first that has the package.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return Backend("uv", program, settings, translated, {**variables, **own})


def _translate(options: t.Sequence[str]) -> t.Iterator[str]:
    rest = list(options)
    while rest:
        option = rest.pop(0)
        name, equals, value = option.partition("=")
        if option in _UV_FLAGS:
            flag = _UV_FLAGS[option]
            yield from [flag] if flag else []
        elif name in _UV_VALUES and (equals or rest):
            yield from (_UV_VALUES[name], value if equals else rest.pop(0))
        else:
            raise ValueError(f"it does not support the pip option {option}")


def pip_configuration(environment: t.Mapping[str, str]) -> t.Dict[str, str]:
    """pip's settings for C(pip install), later places winning as for pip: files, then environment."""
    home = environment.get("HOME", "/root")
    paths = [*_HOST_CONFIGURATION, f"{home}/.pip/pip.conf", f"{home}/.config/pip/pip.conf"]
    chosen = environment.get("PIP_CONFIG_FILE")
    if chosen:
        paths = [] if chosen == os.devnull else [*paths, chosen]
    parser = configparser.RawConfigParser()
    try:
        parser.read(paths, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ValueError(f"pip's configuration cannot be read: {error}") from error
    found: t.Dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    for name, value in environment.items():
        if name.startswith("PIP_"):
            found[name[len("PIP_") :].lower().replace("_", "-")] = value
    return found


def places_of(configured: t.Mapping[str, str], index_url: t.Optional[str]) -> t.Tuple[t.List[str], t.List[str]]:
    """Where pip takes packages from: the URLs of its indexes, and other pages and directories with files.

    :arg configured: What L(pip_configuration) gives.
    :arg index_url: The index of the task, if it names one.
    """
    urls = [index_url or configured.get("index-url", _PUBLIC_INDEX), *configured.get("extra-index-url", "").split()]
    no_index = configured.get("no-index") in ("1", "true", "yes", "on") and not index_url
    return [] if no_index else urls, configured.get("find-links", "").split()
