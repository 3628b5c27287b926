# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Configs and override files of a change set as they were before it, for the planners of configs and overrides."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from .._change.change_sets import CONFIG, OVERRIDES, Part
from .._change.session import View
from .._config.document import ConfigFile, read_config
from .._config.options import Attributes, ConfigOptions
from .._config.plan import ConfigPlan
from .._config.values import Values
from .._errors import HostError
from .._layout import NOWHERE
from .._override.document import KINDS
from .._override.options import Asked
from .._override.options import Options as OverrideOptions
from .._override.override_file import OverrideFile, read_override_file
from .._override.plan import Plan as OverridePlan


class FormerFile(t.NamedTuple):
    """A config or an override file that a change set is about, or both, as L(pack_items.Item) is for packs.

    :arg config: The former config; C(None) where configs stay, and one that does not exist where there was none.
    :arg overrides: The same of the override file.
    """

    ref: str
    config: t.Optional[ConfigFile] = None
    overrides: t.Optional[OverrideFile] = None

    def __repr__(self) -> str:
        return f"FormerFile({self.ref!r}, ...)"  # Values may be secret.

    @property
    def has_config(self) -> bool:
        """Whether the config is put back."""
        return self.config is not None

    def config_options(self, ref: str) -> t.Optional[ConfigOptions]:
        """What is asked of the config."""
        file = self.config
        if file is None:
            return None
        if not file.exists:
            return ConfigOptions(pack=ref, state="absent")
        # All of it as secrets: nobody remembers which of them a task gave as such.
        attributes = Attributes(file.mode, file.uid, file.gid)
        return ConfigOptions(pack=ref, secrets=file.values, unknown_keys="ignore", attributes=attributes)

    def override_options(self, ref: str) -> t.Optional[OverrideOptions]:
        """What is asked of the overrides."""
        file = self.overrides
        if file is None:
            return None
        if not file.exists:
            return OverrideOptions(ref, {}, "absent")
        sections = {
            kind: Asked(section.default, dict(section.exceptions), dict.fromkeys(section.exceptions, kind), True)
            for kind in KINDS
            for section in (file.overrides.of(kind),)
            if section
        }
        return OverrideOptions(ref, sections, "present", "replace", allow_missing=True)

    def as_it_was(self, plan: ConfigPlan) -> ConfigPlan:
        """The plan of the config with the former bytes."""
        file = self.config
        if file is None or not file.exists or file.content == plan.before.content:
            return plan
        return replace(plan, action=plan.action if plan.action == "create" else "change", content=file.content)

    def overrides_as_they_were(self, plan: OverridePlan, content: t.Optional[bytes]) -> OverridePlan:
        """The plan of the overrides with the former bytes.

        :arg content: Of the file as it is.
        """
        file = self.overrides
        if file is None or not file.exists:
            return plan
        return replace(plan, after=file.content, writes=file.content != content)


def former_file(view: View, parts: t.Sequence[Part]) -> FormerFile:
    """What a change set has of one pack's config and overrides.

    :arg parts: Those of this pack.
    :raises HostError: for what cannot be put back by its content.
    """
    found = FormerFile(parts[0].ref)
    for part in parts:
        now = view.now(part.kept) if part.kept else NOWHERE
        if part.what == CONFIG:
            file = read_config(part.live, now)
            _require_plain(part, file.link, file.problem)
            found = found._replace(config=file)
        elif part.what == OVERRIDES:
            overrides = read_override_file(os.path.dirname(part.live), part.ref, {part.live: now}.__getitem__)
            _require_plain(part, overrides.link, " ".join(overrides.complaints) if overrides.problems else "")
            found = found._replace(overrides=overrides)
    return found


def _require_plain(part: Part, link: t.Optional[str], problem: str) -> None:
    if link is not None:
        raise HostError(
            f"{part.live} was a symbolic link to {link}, which is not put back. Create the link, or replace it.",
            ref=part.ref,
        )
    if problem:
        raise HostError(
            f"The former {part.what} of {part.ref} cannot be put back, since StackStorm would refuse it: {problem}",
            ref=part.ref,
        )


def all_masked(before: Values, after: Values) -> Values:
    """All keys of two configs, as if a task had given them as secrets."""
    return {key: after.get(key, before.get(key)) for key in (*before, *after)}
