# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""C(st2.conf) as StackStorm itself reads it: oslo.config's file format, and the C(ST2_SECTION__OPTION) environment."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._errors import HostError
from .._files import UnfitFileError, read_regular_file
from .conf_text import ConfTextError, Definition, parts_of, split_lines

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

        The environment wins over the file (st2common/config.py use_st2_env_vars since 3.9; oslo_config/cfg.py _do_get).

        :raises HostError: when the value refers to an option that nobody sets.
        """
        found = self._find(section, option)
        return None if found is None else Setting(self._resolve(found, section, 0), found.origin)

    def get_list(self, section: str, option: str) -> t.Optional[t.Tuple[str, ...]]:
        """A list option: separated by commas, blanks stripped, empty items left out; C(None) where it is not set."""
        found = self.get(section, option)
        return None if found is None else split_list(found.value)

    def resolves(self, section: str, option: str) -> bool:
        """Whether all that an option refers to is known here; StackStorm knows more defaults."""
        try:
            self.get(section, option)
        except HostError:
            return False
        return True

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
    # Bytes that are not UTF-8 matter only where a value is used: comments may hold anything.
    text = read_conf(path).decode("utf-8", "surrogateescape")
    return Settings(path, _written(path, text), environment, service_environment or {})


def read_conf(path: str) -> bytes:
    """The bytes of C(st2.conf).

    :raises HostError: when the file is not there, cannot be read, or is no regular file or far too large.
    """
    try:
        return read_regular_file(path, _MOST_BYTES)
    except FileNotFoundError:
        raise HostError(
            f"There is no {path or 'st2_conf'}, so this does not look like a StackStorm host. "
            "Set the option st2_conf to the path of its st2.conf."
        ) from None
    except UnfitFileError as error:
        raise HostError(f"{path} cannot be an st2.conf. {error.strerror}. Correct the option st2_conf.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HostError(f"{path} cannot be read: {reason}. Run with become, or set st2_conf.") from error


def _written(path: str, text: str) -> t.Dict[t.Tuple[str, str], Setting]:
    """What a file says; the last of several equal options wins."""
    found: t.Dict[t.Tuple[str, str], Setting] = {}
    try:
        for part in parts_of(split_lines(text)):
            if isinstance(part, Definition):
                origin = f"{path}:{part.first + 1}"
                if not _is_text(part.value):
                    raise HostError(f"{origin}: the value is not UTF-8.")
                found[(part.section, part.option)] = Setting(part.value, origin)
    except ConfTextError as error:
        raise refused(path, error) from None
    return found


def refused(path: str, error: ConfTextError) -> HostError:
    """The error for a file with a line that oslo.config refuses. The line itself is named and not shown."""
    return HostError(f"{path}:{error.line}: {error.why}. StackStorm cannot read the file either.")


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
