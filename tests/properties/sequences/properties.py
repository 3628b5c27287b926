# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold after every step of a sequence."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import yaml
from infrastructure.snapshot import Snapshot, compare
from infrastructure.st2_stub.database import RESOURCES

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import is_open

from .catalogue import REFS
from .steps import Run
from .truth import Documents, Truth, registered
from .world import OWN, Said, World

_STATE = ("database_state",)
_NOBODY_CAN_TELL = "as only its API can tell and delete that"
_NOBODY_NOTED = "as it could not note what was there before"
# What a message says of what could not be done, and the next run does.
NOT_PUT_BACK = ("could not be put back", "cannot be put back", "may have")


class Violation(AssertionError):
    """Something that must hold and does not.

    :arg letter: Which of the properties, C(a) to C(f).
    """

    def __init__(self, letter: str, text: str) -> None:
        super().__init__(f"({letter}) {text}")
        self.letter = letter


@dataclass(frozen=True)
class Moment:
    """One task, with what was before and after it.

    :arg pasts: What was at each step since disk and database were last in order; empty when they are.
    :arg excused: Packs of which an earlier message said that something stays in the database.
    :arg silent: Runs that were killed and tell StackStorm nothing: each with the packs it is about, and the files
        before it.
    """

    world: World
    step: Run
    before: Truth
    predicted: Said
    said: Said
    after: Truth
    pasts: t.Sequence[Truth] = ()
    excused: t.Collection[str] = ()
    silent: t.Sequence[t.Tuple[t.Collection[str], Snapshot]] = ()

    @property
    def failed(self) -> bool:
        """Whether the task failed."""
        return self.said.failure is not None

    @property
    def touched(self) -> t.Set[str]:
        """The packs that the task is about."""
        return concerned(self.step)

    @property
    def puts_off(self) -> bool:
        """Whether the task says that something is left for the next one to put right."""
        return any(words in self.said.message for words in NOT_PUT_BACK)


def concerned(step: Run) -> t.Set[str]:
    """The packs that a task is about."""
    named = {item["name"] for item in step.items} | {step.arguments.get("pack")}
    every = "_global" in named or step.module in ("st2_register", "st2_rollback")
    return set(REFS) if every else {ref for ref in REFS if ref in named}


# (b) Check mode predicts the run


def check_prediction(moment: Moment) -> None:
    """What check mode says is what the run does, but for what only StackStorm knows beforehand: that it refuses."""
    if moment.step.trouble and moment.failed:
        return
    if moment.failed and _nobody_can_tell(moment):
        return
    predicted, said = (_of_the_phase(moment, one.predictable) for one in (moment.predicted, moment.said))
    for key, value in said.items():
        require("b", predicted[key] == value, f"check mode predicts another {key}: {predicted[key]} and not {value}")


def _nobody_can_tell(moment: Moment) -> bool:
    """Whether it was StackStorm that refused; or what an earlier task of the play may do, which check mode does not:
    install the pack whose overrides these are, of which it warns, or stage what is to be put in place."""
    step, message, _ref = moment.said.failure or ("", "", "")
    if moment.step.phase == "swap" and message.startswith("Nothing that was staged"):
        return True
    if moment.predicted.failure is not None:
        return False
    return step == "register" or (moment.step.module == "st2_override" and "is not installed" in message)


def _of_the_phase(moment: Moment, words: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    """What check mode must say as well: of one phase, it tells what both of them do."""
    if not moment.step.phase:
        return words
    returned = {key: value for key, value in words["returned"].items() if key not in ("restart_needed", *_STATE)}
    rows = []
    for row in returned.get("packs", ()):
        parts = {part: _without_state(row[part]) for part in ("config", "overrides") if part in row}
        rows.append({**_without_state(row), **parts})
    return {**words, "returned": {**returned, "packs": rows}}


def _without_state(row: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {key: value for key, value in row.items() if key not in _STATE}


# (c) The same task again changes nothing


def check_again(
    moment: Moment, again: Said, left: Snapshot, found: Snapshot, after: Truth, meddled: bool = False
) -> None:
    """The same task again does nothing, and asks no more than it must.

    :arg again: What it says.
    :arg left: All files before it, with their identities.
    :arg found: All files after it.
    :arg meddled: Whether somebody has written override files: then everything they may decide about is looked at.
    """
    require("c", again.failure is None, f"the same task again fails: {again.failure}")
    require("c", not again.changed, f"the same task again changes something: {again.msg}")
    latest = moment.step.arguments.get("state") == "latest"
    if moment.step.arguments.get("verify") == "content" or (moment.step.phase == "stage" and latest):
        # It can only be looked with the lock, which says who has it.
        for path in (f"packs/{OWN}/lock", f"packs/{OWN}/staging"):
            left, found = ({key: one for key, one in each.items() if key != path} for each in (left, found))
    require("c", left == found, f"the same task again writes {compare(left, found)}")
    require("c", moment.after.database == after.database, "the same task again changes the database")
    asked = [each.split("?")[0] for each in again.requests]
    for one in asked:
        what = one.split("/")[1]
        right = one.startswith("GET ") and what in _questions(moment, meddled)
        require("c", right, f"the same task again asks {one}: {asked}")
    kinds_of_it = [one.split("/")[1] for one in asked]
    require("c", len(set(kinds_of_it)) == len(kinds_of_it), f"the same task again asks more than once: {asked}")


def _questions(moment: Moment, meddled: bool) -> t.Set[str]:
    step = moment.step
    words = {"actions": "actions", "sensors": "sensortypes", "rules": "rules", "aliases": "actionalias"}
    found = {"packs"}
    if step.module == "st2_pack_config":
        found |= {"configs"}
    if step.module == "st2_register":
        found |= {*words.values(), "configs", "policies", "triggertypes"}
    if step.module == "st2_override":
        sections = [word for kind, word in words.items() if kind in step.arguments]
        # What C(_global.yaml) says goes for every pack.
        for_all = moment.world.a.base_path / "overrides" / "_global.yaml"
        if sections and for_all.is_file() and not meddled:
            sections += [word for kind, word in words.items() if kind in yaml.safe_load(for_all.read_bytes())]
        found |= set(sections if sections and not meddled else words.values())
    if step.module == "st2_pack":
        for item in step.items:
            found |= {"configs"} if "config" in item else set()
            found |= set(words.values()) if "overrides" in item else set()
    if step.arguments.get("prune"):
        found |= {*words.values(), "policies", "triggertypes"}
    return found


# (d) After a failure all is as it was, and after a kill the next run puts that right


def check_put_back(moment: Moment) -> None:
    """A task that failed has left disk and database as they were, or says what stays."""
    if moment.puts_off:
        return
    pasts = [*moment.pasts, moment.before]
    if not moment.pasts:
        left = compare(moment.before.files, moment.after.files)
        require("d", not left, f"a task that failed has left other files: {left}")
    _check_database(moment, pasts)


def check_healed(moment: Moment, agreed: t.Collection[t.Tuple[str, str]]) -> None:
    """What troubles before had left is put right by an ordinary task.

    :arg agreed: What agreed when all was last in order, and what nobody has changed since.
    """
    if moment.step.register == "none" or moment.puts_off:
        return
    after = moment.after
    lost = sorted(
        (ref, part)
        for ref, part in agreed
        if after.there(ref)
        and (ref, part) not in after.agreeing
        and not _goes_along(moment, ref, part)
        and not _was_changed_silently(moment, ref)
    )
    require("d", not lost, f"after an ordinary task the database still has something else of {lost}")
    _check_surplus(moment)


def _was_changed_silently(moment: Moment, ref: str) -> bool:
    """Whether a run that was killed, and tells StackStorm nothing, had done all that it changes of a pack."""
    places = (f"packs/{ref}/", f"configs/{ref}.yaml", f"overrides/{ref}.yaml", "overrides/_global.yaml")

    def own(files: Snapshot) -> Snapshot:
        return {path: entry for path, entry in files.items() if path.startswith(places)}

    return any(ref in refs and own(files) != own(moment.after.files) for refs, files in moment.silent)


def _goes_along(moment: Moment, ref: str, part: str) -> bool:
    """Whether the message says that a pack has rules whose trigger is gone, or that the database keeps what its files
    do not have."""
    if part in ("pack", "config") and "keeps" in moment.said.message:
        untold = moment.step.register == "local" and _NOBODY_CAN_TELL in moment.said.message
        untold = untold or _NOBODY_NOTED in moment.said.message
        if part == "config":
            no_file = f"configs/{ref}.yaml" not in moment.after.files
            return no_file and (untold or f"the config of {ref}" in moment.said.message)
        agrees = (ref, "files") in moment.after.agreeing
        if agrees and (untold or f"config schema of {ref}" in moment.said.message):
            return True
    rules = moment.after.database["rules"]
    dead = [key for key, rule in rules.items() if rule["pack"] == ref and not isinstance(rule["trigger"], dict)]
    named = any(key in moment.said.message for key in dead)
    return named and part in ("files", "pack", "overrides", "rules")


def _check_surplus(moment: Moment) -> None:
    """Nothing is in the database that neither was there nor has a file."""
    allowed = [*(past.database for past in (*moment.pasts, moment.before)), _of_files(moment)]
    for kind in RESOURCES:
        for key, document in moment.after.database[kind].items():
            if any(key in documents[kind] for documents in allowed) or _may_stay(moment, kind, key, document):
                continue
            raise Violation("d", f"{kind} {key} has come into the database, has no file, and nothing says so")


def _of_files(moment: Moment) -> Documents:
    """What the database would have of the files alone."""
    nothing: t.Dict[str, Documents] = {kind: {} for kind in moment.after.everything}
    nothing["rule_triggers"] = moment.after.everything["rule_triggers"]
    return registered(moment.world, sorted(moment.after.versions), nothing)[0]


def _check_database(moment: Moment, pasts: t.Sequence[Truth]) -> None:
    """Everything is what it was at some time, or what the files are now."""
    refs = sorted(moment.after.versions)
    allowed = [past.database for past in pasts]
    allowed += [registered(moment.world, refs, past.everything)[0] for past in pasts]
    nowhere = object()
    for kind, documents in moment.after.database.items():
        for key in sorted({*documents, *(key for one in allowed for key in one[kind])}):
            now = documents.get(key, nowhere)
            if any(one[kind].get(key, nowhere) == now for one in allowed) or _is_filed(moment, kind, now):
                continue
            if now is nowhere:
                raise Violation("d", f"a task that failed has taken {kind} {key} out of the database")
            if not _may_stay(moment, kind, key, now):
                raise Violation("d", f"a task that failed has left {kind} {key} in the database, and does not say so")


def _is_filed(moment: Moment, kind: str, document: t.Any) -> bool:
    """Whether a resource is what a file says, and all of its pack as well."""
    if kind not in RESOURCES or not isinstance(document, dict) or not document.get("metadata_file"):
        return False
    ref = document["pack"]
    return (ref, "files") in moment.after.agreeing and f"packs/{ref}/{document['metadata_file']}" in moment.after.files


def _may_stay(moment: Moment, kind: str, key: str, document: t.Any) -> bool:
    """Whether the message names what stays. A schema that refuses nothing is as good as none: StackStorm has no request
    that takes a schema away (only unloading its pack does, with all that people made in it)."""
    message = moment.said.message
    if kind == "configs" and not document:
        return True  # An empty config is as good as none, and no request takes one away.
    if kind == "config_schemas" and (is_open(document) or f"the pack {key} itself" in message):
        return True
    if _NOBODY_NOTED in message or (moment.step.register == "local" and _NOBODY_CAN_TELL in message):
        return True
    ref = document.get("pack", document.get("ref")) if kind in (*RESOURCES, "packs") else key
    name = {"configs": f"the config of {key}", "config_schemas": f"config schema of {key}"}.get(kind, key)
    return ("keeps" in message and name in message) or f"database has {ref} " in message


# (e) What people made is still there


def check_by_hand(moment: Moment, made: t.Dict[t.Tuple[str, str], t.Any]) -> None:
    """What people made by hand is as they made it, but for what goes with a pack that a task removes, and names.

    :arg made: By kind and ref; what is gone rightly is taken out.
    """
    for (kind, key), document in list(made.items()):
        now = moment.after.database[kind].get(key)
        if now == document:
            continue
        what = "is gone" if now is None else f"is now {now}"
        name = key.split(".", 1)[1]
        rightly = _goes(moment, document) and name in moment.said.message
        require("e", rightly, f"{kind} {key}, made by hand, {what}: {moment.said.message}")
        del made[kind, key]


def _goes(moment: Moment, document: t.Mapping[str, t.Any]) -> bool:
    """Whether it is of a pack that is not there any more, or waits for a trigger of such a pack."""
    trigger = document.get("trigger") or {}
    refs = {document["pack"], str(trigger.get("type", "")).split(".", 1)[0]}
    return any(_is_there(moment.before, ref) and not _is_there(moment.after, ref) for ref in refs)


def _is_there(truth: Truth, ref: str) -> bool:
    return truth.there(ref) or ref in truth.database["packs"]


def differences(one: Documents, other: Documents) -> t.List[str]:
    """What is different in two databases, by kind and ref."""
    found = []
    for kind in one:
        for key in sorted({*one[kind], *other[kind]}):
            if one[kind].get(key) != other[kind].get(key):
                found.append(f"{kind} {key}")
    return found


def require(letter: str, holds: bool, text: str) -> None:
    """Raise L(Violation) when something does not hold."""
    if not holds:
        raise Violation(letter, text)
