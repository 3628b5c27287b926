# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task about the config of a pack, checked and typed."""

from __future__ import annotations

import os
import pwd
import typing as t
from dataclasses import dataclass, field

from .._content.names import check_ref
from .._errors import OptionError
from .._file_attributes import Mode, gid_of, octal_mode, uid_of
from .values import Values, merged, without

# packaging/common/BUILD: the account that StackStorm's API, which reads and writes configs, runs as.
STACKSTORM_ACCOUNT = "st2"


@dataclass(frozen=True)
class Attributes:
    """Owner, group and mode of a config's file; C(-1) leaves owner or group as it is. Without a file all three are."""

    mode: int = 0o640
    uid: int = -1
    gid: int = -1


@dataclass(frozen=True)
class ConfigOptions:
    """What a task asks for; every field is the module option of that name, see M(st2_pack_config).

    :arg names_keys: Whether, with C(state=absent), only the keys of the given values are to go.
    """

    pack: str
    state: str = "present"
    config: Values = field(default_factory=dict, repr=False)
    secrets: Values = field(default_factory=dict, repr=False)
    merge: str = "replace"
    names_keys: bool = False
    unknown_keys: str = "warn"
    schema: t.Optional[str] = None
    backup: bool = False
    attributes: Attributes = field(default_factory=Attributes)
    timeout: float = 600

    @property
    def given(self) -> Values:
        """The values that the task gives, its secrets among them."""
        return merged(self.config, self.secrets)

    def wanted(self, found: Values) -> Values:
        """What the config is to say.

        :arg found: What it says.
        """
        if self.names_keys:
            return without(found, self.given)
        return merged(found, self.given) if self.merge == "merge" else self.given

    @property
    def keeps_file(self) -> bool:
        """Whether the file stays as it is but for what the task names."""
        return self.names_keys or (self.state == "present" and self.merge == "merge")


def options_from(params: t.Mapping[str, t.Any]) -> ConfigOptions:
    """The options of M(st2_pack_config) from Ansible's parameters.

    :raises OptionError: naming the option that cannot be used.
    """
    ref = check_ref("pack", params["pack"])
    gives = params["config"] is not None or params["secrets"] is not None
    if params["state"] == "present" and not gives:
        raise OptionError("There is nothing to write: set config or secrets, or state=absent to remove the config.")
    return ConfigOptions(
        pack=ref,
        state=params["state"],
        config=params["config"] or {},
        secrets=params["secrets"] or {},
        merge=params["merge"],
        names_keys=gives and params["state"] == "absent",
        unknown_keys=params["unknown_keys"],
        schema=params["schema"],
        backup=params["backup"],
        attributes=Attributes(_mode(params["mode"]), _owner(params["owner"]), _group(params["group"])),
        timeout=params["timeout"],
    )


def config_of_item(ref: str, config: Values, secrets: Values, merge: str) -> ConfigOptions:
    """The options for a config that goes along with its pack, in a task about packs."""
    attributes = Attributes(uid=_owner(None))
    return ConfigOptions(pack=ref, config=config, secrets=secrets, merge=merge, attributes=attributes)


def _mode(value: Mode) -> int:
    mode = octal_mode(value)
    if mode is None or mode > 0o777:
        raise OptionError('mode must be octal, like "0640".')
    if not mode & 0o400:
        raise OptionError(f"mode {mode:04o} would prevent the owner, and so StackStorm, from reading the config.")
    return mode


def _owner(name: t.Optional[str]) -> int:
    if name is None:
        # Only root can give a file away; anybody else keeps what there is.
        try:
            return pwd.getpwnam(STACKSTORM_ACCOUNT).pw_uid if os.geteuid() == 0 else -1
        except KeyError:
            return -1
    return uid_of(name)


def _group(name: t.Optional[str]) -> int:
    return -1 if name is None else gid_of(name)
