# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Registration as a port: what the modules want of StackStorm's database, whoever talks to it.

The adapters are L(api_registrar) (REST), L(local_registrar) (C(st2-register-content)) and L(NoRegistrar) (images,
StackStorm down). L(choose_registrar) picks one.
"""

from __future__ import annotations

import typing as t

from .registration import Configs, PackFiles, Registered, Resource


class Registrar(t.Protocol):
    """What an adapter does. Every method raises a L(RegistrationError) of the tree in C(_errors), or a
    L(DeadlineError) when the task's time is over."""

    name: str
    """C(api), C(local) or C(none)."""

    by: str
    """Which database it is, for the record of what was registered: the API's URL, C(local), or empty for none."""

    reads: bool
    """Whether it can tell what the database holds. Where it cannot, C(versions) and the rest are not to be called."""

    unloads: bool
    """Whether it can take a pack out of the database."""

    def require(self) -> None:
        """See that all is there that telling needs, before anything is changed.

        :raises MissingLibraryError: when a library is not.
        """

    def register(
        self, packs: t.Sequence[PackFiles], types: t.Sequence[str] = (), *, fail_on_failure: bool = True
    ) -> Registered:
        """Tell the database of packs: one registration for all, with true counts, the packs' own files read by
        StackStorm. Doing it twice is fine. With no packs nothing happens.

        One that is refused is done again pack by pack, so that the error names every pack that is at fault, in
        C(refused), and those that StackStorm took, in C(taken).

        :arg packs: In the order in which they need one another, if they do.
        :arg types: Of L(TYPES); all of them when empty.
        :arg fail_on_failure: Whether one resource that cannot be registered is an error. Where not, it is left out,
            and shows in the counts only.
        """

    def unload(self, refs: t.Sequence[str]) -> None:
        """Take everything of these packs out of the database; their files may be gone. Waits until it is done."""

    def versions(self, refs: t.Sequence[str]) -> t.Mapping[str, str]:
        """The version that the database has of each pack; packs that it does not have are left out."""

    def config(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """The values of a pack's config; secrets are C(********) where the account may not see them. C(None) when the
        database has no config of the pack."""

    def configs(self, refs: t.Sequence[str]) -> Configs:
        """The configs of these packs, by one question."""

    def config_schema(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """The attributes of the config schema that the database has for a pack, by which it judges every config of
        the pack, also when the pack no longer has a schema. C(None) when it has none."""

    def resources_of(self, refs: t.Sequence[str], kinds: t.Sequence[str]) -> t.Sequence[Resource]:
        """The resources of these packs in the database, by one question for each kind."""

    def runners(self) -> t.Sequence[str]:
        """The names of the runners in the database."""

    def every(self, kind: str) -> t.Sequence[Resource]:
        """The resources of one kind of all packs in the database."""

    def delete(self, resource: Resource) -> None:
        """Take one resource out of the database; files stay. One that is not there is fine. A sensor stays,
        switched off: StackStorm deletes sensors only together with their pack."""

    def close(self) -> None:
        """Let go of what it holds, such as a connection. Nothing may be asked of it afterwards."""
