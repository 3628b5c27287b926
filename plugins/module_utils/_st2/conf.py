# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""C(st2.conf) as StackStorm itself reads it: oslo.config's file format, and the C(ST2_SECTION__OPTION) environment."""

from __future__ import annotations

import io
import re
import typing as t
from dataclasses import dataclass, field

from .._errors import HostError
from .._files import UnfitFileError, read_regular_file

# What StackStorm takes where nothing is set (st2common/config.py register_opts).
DEFAULTS: t.Mapping[t.Tuple[str, str], str] = {
    ("system", "base_path"): "/opt/stackstorm",
    ("content", "system_packs_base_path"): "/opt/stackstorm/packs",
    ("content", "pack_group"): "st2packs",
    ("content", "index_url"): "https://index.stackstorm.org/v1/index.json",
    ("actionrunner", "virtualenv_opts"): "--system-site-packages",
}

# oslo.config's Template: $name, ${name}, $section.name, and $$ for a dollar sign.
_REFERENCE = re.compile(r"\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})", re.IGNORECASE)
_DEEPEST_REFERENCE = 16
# StackStorm's own sample, which has every option with its description, has 20 kB.
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Setting:
    """One option with where it came from; C(repr) leaves the value out, as st2.conf also holds passwords.

    :arg value: The text, references to other options resolved.
    :arg origin: C(FILE:LINE), C(environment VARIABLE) or C(service environment VARIABLE).
    """

    value: str = field(repr=False)
    origin: str


class Settings:
    """The options of one StackStorm host.

    :arg path: The file that was read, for messages.
    :arg written: What the file says, as C((section in lower case, option)) to the last value given.
    :arg environment: The environment of this process; wins over everything.
    :arg service_environment: The environment of StackStorm's action runner; wins over the file.
    """

    def __init__(
        self,
        path: str,
        written: t.Mapping[t.Tuple[str, str], Setting],
        environment: t.Mapping[str, str],
        service_environment: t.Mapping[str, str],
    ) -> None:
        self.path = path
        self._written = written
        self._environment = environment
        self._service_environment = service_environment

    def get(self, section: str, option: str) -> t.Optional[Setting]:
        """The option as StackStorm sees it, C(None) where neither the environment nor the file sets it.

        The environment wins over the file (st2common/config.py use_st2_env_vars, oslo_config/cfg.py _do_get).

        :raises HostError: when the value refers to an option that nobody sets.
        """
        found = self._find(section, option)
        return None if found is None else Setting(self._resolve(found, section, 0), found.origin)

    def get_list(self, section: str, option: str) -> t.Optional[t.Tuple[str, ...]]:
        """A list option: separated by commas, blanks stripped, empty items left out; C(None) where it is not set."""
        found = self.get(section, option)
        return None if found is None else split_list(found.value)

    def _find(self, section: str, option: str) -> t.Optional[Setting]:
        variable = f"ST2_{section}__{option}".upper()
        if variable in self._environment:
            return Setting(self._environment[variable], f"environment {variable}")
        if variable in self._service_environment:
            return Setting(self._service_environment[variable], f"service environment {variable}")
        return self._written.get((section, option))

    def _resolve(self, setting: Setting, section: str, depth: int) -> str:
        if "$" not in setting.value:
            return setting.value
        if depth > _DEEPEST_REFERENCE:
            raise HostError(f"{setting.origin}: the value refers to itself through its $ references.")

        def replace(match: t.Match[str]) -> str:
            if match.group(1):
                return "$"
            name = match.group(2) or match.group(3)
            group, dot, option = name.partition(".")
            key = (group, option) if dot else (section, name)
            found = self._find(*key)
            if found is not None:
                return self._resolve(found, key[0], depth + 1)
            if key in DEFAULTS:
                return DEFAULTS[key]
            raise HostError(
                f"{setting.origin}: the value refers to ${name}, which is not set. StackStorm cannot read it either; "
                "set that option, or write $$ for a dollar sign."
            )

        return _REFERENCE.sub(replace, setting.value.replace(r"\$", "$$"))


def split_list(value: str) -> t.Tuple[str, ...]:
    """The items of a list option (oslo_config/types.py List); empty items, which no option has a use for, left out."""
    return tuple(item.strip() for item in value.split(",") if item.strip())


def read_settings(
    path: str,
    environment: t.Mapping[str, str],
    service_environment: t.Optional[t.Mapping[str, str]] = None,
) -> Settings:
    """Read C(st2.conf).

    :arg path: The file.
    :arg environment: The environment of this process.
    :arg service_environment: The environment of StackStorm's action runner, if it is known.
    :raises HostError: when the file is not there, cannot be read, is no regular file or far too large, or is not what
        oslo.config takes; it names the line.
    """
    try:
        content = read_regular_file(path, _MOST_BYTES)
    except FileNotFoundError:
        raise HostError(
            f"There is no {path}, so this does not look like a StackStorm host. "
            "Set the option st2_conf to where the st2.conf of this host is."
        ) from None
    except UnfitFileError as error:
        raise HostError(f"{path} cannot be an st2.conf. {error.strerror}. Correct the option st2_conf.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HostError(f"{path} cannot be read: {reason}. Run with become, or set st2_conf.") from error
    # Bytes that are not UTF-8 matter only where a value is used: comments may hold anything.
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", "surrogateescape").read()
    return Settings(path, _FileReader(path).read(text), environment, service_environment or {})


class _FileReader:
    """oslo.config's ini format (oslo_config/iniparser.py BaseParser, oslo_config/cfg.py ConfigParser).

    It differs from configparser: no inline comments; a line that starts with blanks continues the value above; an
    empty line or a comment ends a value; the last of several equal options wins; quotes around a value are taken off.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._line = 0
        self._section: t.Optional[str] = None
        self._found: t.Dict[t.Tuple[str, str], Setting] = {}
        self._key: t.Optional[t.Tuple[str, str]] = None
        self._value: t.List[str] = []
        self._started = 0

    def read(self, text: str) -> t.Dict[t.Tuple[str, str], Setting]:
        for self._line, raw in enumerate(io.StringIO(text), 1):
            line = raw.rstrip()
            if line.startswith((" ", "\t")):
                if self._key is None:
                    raise self._error("the line starts with a blank, but there is no value above to continue")
                self._value.append(line.lstrip())
                continue
            self._finish()
            if line.startswith("["):
                self._section = self._read_section(line)
            elif line and not line.startswith(("#", ";")):
                self._start(line)
        self._finish()
        return self._found

    def _read_section(self, line: str) -> str:
        if not line.endswith("]"):
            raise self._error("a section must end with ]")
        if len(line) <= 2:
            raise self._error("a section must have a name")
        name = line[1:-1]
        return name if name == "DEFAULT" else name.lower()

    def _start(self, line: str) -> None:
        cut = min((place for place in (line.find("="), line.find(":")) if place >= 0), default=-1)
        if cut < 0:
            raise self._error("an option must be written as NAME = VALUE")
        name, value = line[:cut].strip(), line[cut + 1 :].strip()
        if not name:
            raise self._error("there is no option name in front of the value")
        if self._section is None:
            raise self._error("there is an option before the first [section]")
        if value and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        self._key, self._value, self._started = (self._section, name), [value], self._line

    def _finish(self) -> None:
        if self._key is None:
            return
        value = "\n".join(self._value)
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise HostError(f"{self._path}:{self._started}: the value is not UTF-8.") from None
        self._found[self._key] = Setting(value, f"{self._path}:{self._started}")
        self._key = None

    def _error(self, why: str) -> HostError:
        # The line itself may hold a password, so it is named and not shown.
        return HostError(f"{self._path}:{self._line}: {why}. StackStorm cannot read the file either.")
