# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Plan: what has to happen to a config, decided from what was observed. Pure; check mode, diff and run share it."""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass, field, replace

from .._change.known import ABSENT, CURRENT, STALE, UNKNOWN, KnownConfig
from .._change.records import NO_CONFIG
from .._change.telling import Registration, Telling
from .._content.problem import Problem, sentence
from .._content.yaml_lines import shown_path
from .._errors import ConfigError
from .._st2.registration import PackFiles
from .._st2.stale_config import is_open_for
from .._yaml_edit import edit
from .._yaml_text import block, same
from .document import ConfigFile
from .observe import Observed
from .options import Attributes, ConfigOptions
from .redaction import Redaction
from .validation import check_values, nested_decryptions, unknown_keys
from .values import Changes, Values, agrees, differences


class RefusedConfig(ConfigError):
    """A config that StackStorm would refuse.

    :arg problems: Everything that is wrong with it.
    """

    def __init__(self, message: str, problems: t.Sequence[Problem], ref: str) -> None:
        super().__init__(message, ref=ref)
        self.problems = tuple(problems)


@dataclass(frozen=True)
class ConfigPlan:
    """What happens to the config of one pack.

    :arg action: C(none), C(create), C(change), C(attributes) (owner, group or mode only) or C(remove).
    :arg before: The file as it is.
    :arg values: What the config is to say; C(None) for none.
    :arg content: The whole new file, for C(create) and C(change).
    :arg attributes: Mode, owner and group of the file, with none left open that is known.
    :arg changes: The keys that differ.
    :arg register: Whether the database has to be told.
    :arg clear: How the database is to forget the config: C(empty) registers an empty one, C(carrier) does so past a
        schema that refuses it, C(unload) takes out a pack that is not here; empty for not at all.
    :arg opens: The schema that the database has of a pack that has none any more, and that has to be opened first.
    :arg state: What the database has of it when all this is done, one of L(known.WORDS).
    :arg pack: The pack as registration needs it; C(None) when it is not on this host.
    """

    ref: str
    action: str
    before: ConfigFile
    values: t.Optional[Values] = field(default=None, repr=False)
    content: bytes = field(default=b"", repr=False)
    attributes: Attributes = field(default_factory=Attributes)
    changes: Changes = field(default_factory=Changes)
    register: bool = False
    clear: str = ""
    opens: t.Optional[t.Mapping[str, t.Any]] = None
    state: str = UNKNOWN
    pack: t.Optional[PackFiles] = None
    warnings: t.Tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything happens."""
        return self.action != "none" or self.register or bool(self.clear) or self.opens is not None

    @property
    def renews(self) -> bool:
        """Whether the pack gets another config, in its file or in the database."""
        return bool(self.register or self.clear or any(self.changes.as_dict().values()))

    @property
    def acts(self) -> bool:
        """As L(planner.Plan.acts)."""
        return self.changed

    @property
    def parts(self) -> t.Mapping[str, t.Sequence[str]]:
        """As L(planner.Plan.parts)."""
        return {self.ref: ("config",)} if self.action in ("create", "change", "remove") else {}

    @property
    def telling(self) -> Telling:
        """What StackStorm is told, but for carriers."""
        unload = (self.ref,) if self.clear == "unload" else ()
        without_config = (self.ref,) if self.clear else ()
        register: t.Tuple[Registration, ...] = ()
        if self.pack is not None and (self.register or self.clear == "empty" or self.opens is not None):
            register = (Registration(self.pack, ("config",)),)
        closing = (Registration(self.pack, ("config",)),) if self.pack and self.clear == "carrier" else ()
        return Telling(unload=unload, register=register, closing=closing, without_config=without_config)


def plan_present(observed: Observed, options: ConfigOptions, redaction: Redaction) -> ConfigPlan:
    """The plan for a config that is to be there.

    :raises RefusedConfig: when StackStorm would refuse it.
    :raises ConfigError: when what is there must not be overwritten, or the config would be empty without a schema that
        allows it.
    """
    file = observed.file
    warnings = list(observed.warnings) + _about_pack(observed, options)
    problem = file.problem
    if file.link is not None and not problem and not same(file.values, options.wanted(file.values)):
        problem = f"{file.path} is a symbolic link, to {file.link}, and is not written through."
    if problem and options.keeps_file:
        way = "No key can be taken out of it" if options.names_keys else "Nothing can be merged into it"
        raise ConfigError(
            f"{problem} {way}. Correct or remove it, or replace it with merge=replace.",
            ref=options.pack,
        )
    if problem:
        warnings.append(f"{problem} It is replaced.")
    wanted = options.wanted(file.values)
    warnings += _judge(observed, options, wanted)
    action, content = "none", b""
    if not file.exists or file.problem or not same(file.values, wanted):
        action = "change" if file.exists else "create"
        content, comments_lost = _content(file, options, wanted)
        if comments_lost:
            warnings.append(f"The comments in {file.path} could not be kept, since the file was rewritten.")
    attributes = _attributes(file, options.attributes)
    if action == "none" and file.link is None and attributes != Attributes(file.mode, file.uid, file.gid):
        action = "attributes"
    rewritten = action in ("create", "change")
    stale = _is_stale(observed.database, wanted, rewritten) or (observed.registered and rewritten)
    can = observed.pack is not None and observed.database.adapter != "none"
    return ConfigPlan(
        ref=options.pack,
        action=action,
        before=file,
        values=wanted,
        content=content,
        attributes=attributes,
        changes=differences(file.values, wanted, redaction.hides),
        register=can and stale,
        opens=observed.stored_schema if can and not is_open_for(observed.stored_schema, wanted) else None,
        state=CURRENT if can else state_of(observed.database, wanted, rewritten=rewritten),
        pack=observed.pack,
        warnings=tuple(warnings),
    )


def is_to_go(file: ConfigFile, options: ConfigOptions) -> bool:
    """Whether there is to be no config: that is asked for, or its last key is taken out."""
    if options.names_keys:
        return not file.problem and file.link is None and not options.wanted(file.values)
    return options.state == "absent"


def plan_absent(observed: Observed, options: ConfigOptions, redaction: Redaction) -> ConfigPlan:
    """The plan for a config that is not to be there."""
    file, database = observed.file, observed.database
    warnings = list(observed.warnings)
    clear = ""
    if has_config(database):
        clear, why = _way_to_clear(observed)
        if why:
            warnings.append(
                f"StackStorm's database keeps its config of {options.pack}, and keeps using it: {why}. Uninstall "
                "the pack from StackStorm to remove it."
            )
    return ConfigPlan(
        ref=options.pack,
        action="remove" if file.exists else "none",
        before=file,
        changes=differences(file.values, {}, redaction.hides),
        clear=clear,
        attributes=replace(options.attributes),
        state=ABSENT if clear else state_of(database, None),
        pack=observed.pack,
        warnings=tuple(warnings),
    )


def _about_pack(observed: Observed, options: ConfigOptions) -> t.List[str]:
    if observed.pack is None:
        checked = "" if observed.schema else ", and its values could not be checked"
        return [f"The pack {options.pack} is not on this host: StackStorm ignores its config until it is{checked}."]
    if observed.schema is None and observed.database.adapter != "none":
        return [
            f"The pack {options.pack} has no config schema. StackStorm accepts its config without validation, and its "
            "API cannot list configs as long as the database contains one without a schema."
        ]
    return []


def _judge(observed: Observed, options: ConfigOptions, wanted: Values) -> t.List[str]:
    """Refuse what StackStorm would refuse, and what it must not be asked; return what is only odd."""
    schema = observed.schema
    problems = [_without_line(problem, options) for problem in check_values(schema, wanted, observed.file.lines)]
    if problems:
        where = f" by {schema.path}" if schema else ""
        raise RefusedConfig(
            f"StackStorm would refuse this config of {options.pack}{where}: {sentence(problems)}. Nothing was changed.",
            problems,
            options.pack,
        )
    if not wanted and schema is None:
        raise ConfigError(
            f"The config of {options.pack} would be empty, and there is no schema that allows it. Set values, or "
            "state=absent to remove it.",
            ref=options.pack,
        )
    warnings = [
        f"{key} is secret: true inside of another key and uses decrypt_kv. StackStorm decrypts it itself, so whatever "
        "uses it will fail."
        for key in nested_decryptions(schema, wanted)
    ]
    unknown = unknown_keys(schema, wanted) if options.unknown_keys != "ignore" else []
    if unknown and schema:
        names = ", ".join(_with_suggestion(path, schema.attributes) for path in unknown)
        text = f"The schema of {options.pack} does not contain {names}."
        if options.unknown_keys == "fail":
            raise RefusedConfig(
                f"{text} Correct the keys, or set unknown_keys=warn. Nothing was changed.",
                [Problem(path, "unknown", "is not a key of the schema") for path in unknown],
                options.pack,
            )
        warnings.append(text)
    return warnings


def _without_line(problem: Problem, options: ConfigOptions) -> Problem:
    """The problem without the line of the file, when the value does not come from there."""
    value: t.Any = options.given
    for part in problem.path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, dict) and options.keeps_file:
            return problem
        else:
            break
    return replace(problem, config_line=None)


def _with_suggestion(path: t.Sequence[t.Union[str, int]], attributes: t.Mapping[str, t.Any]) -> str:
    close = difflib.get_close_matches(str(path[-1]), list(attributes), n=1) if len(path) == 1 else []
    return shown_path(path) + (f" (did you mean {close[0]}?)" if close else "")


def _content(file: ConfigFile, options: ConfigOptions, wanted: Values) -> t.Tuple[bytes, bool]:
    if options.keeps_file and file.exists:
        text, comments_lost = edit(file.text, wanted)
        return text.encode("utf-8"), comments_lost
    return block(wanted).encode("utf-8"), False


def _attributes(file: ConfigFile, wanted: Attributes) -> Attributes:
    if not file.exists or file.link is not None:
        return wanted
    return Attributes(
        wanted.mode,
        file.uid if wanted.uid == -1 else wanted.uid,
        file.gid if wanted.gid == -1 else wanted.gid,
    )


def _is_stale(database: KnownConfig, wanted: Values, rewritten: bool) -> bool:
    if database.reads:
        return database.values is None or not agrees(dict(database.values), wanted)
    return rewritten or not database.digest or database.recorded != database.digest


def has_config(database: KnownConfig) -> bool:
    """Whether the database has a config. An empty one is as good as none: StackStorm treats them alike
    (st2common/util/config_loader.py)."""
    if database.reads:
        return bool(database.values)
    return database.recorded not in ("", NO_CONFIG) or bool(database.digest)


def _way_to_clear(observed: Observed) -> t.Tuple[str, str]:
    """How to make the database forget a config, for which StackStorm has no call; or why it cannot."""
    if observed.pack is None:
        why = observed.why_not_unload
        return ("", f"{why}, and the pack is not on this host") if why else ("unload", "")
    refused = check_values(observed.schema, {}) or (observed.schema is None and observed.stored_schema is not None)
    return ("carrier" if refused else "empty"), ""


def state_of(database: KnownConfig, values: t.Optional[Values], *, rewritten: bool = False) -> str:
    """What the database has of a config, one of L(known.WORDS).

    :arg values: What the file says; C(None) when there is none.
    :arg rewritten: Whether it says that only afterwards, so that it is not the file that C(database) is about.
    """
    if database.adapter == "none":
        return UNKNOWN
    if database.reads:
        if database.values is None or (values is None and not database.values):
            return ABSENT
        return CURRENT if values is not None and agrees(dict(database.values), values) else STALE
    if not database.recorded:
        return UNKNOWN
    if database.recorded == NO_CONFIG:
        return ABSENT
    return CURRENT if values is not None and not rewritten and database.recorded == database.digest else STALE
