#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack
short_description: Install, upgrade and remove StackStorm packs
version_added: 0.1.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Brings the packs of a StackStorm host to a wanted state. Packs come from a pack index, from git repositories or
    from directories.
  - A pack is fetched, validated and given a working virtualenv aside, and takes its place by a rename. The pack that
    was running stays whole until then, and comes back whole when anything fails; a task changes all of its packs or
    none.
  - When everything is as asked, no program is started and no network is used, but for one question to StackStorm where
    the task has access to its API.
options:
  name:
    description:
      - Packs in any form that C(st2 pack install) takes, each with C(=VERSION) where wanted.
      - A name in the index (V(sensu)), a GitHub repository (V(org/repo)), a URL
        (V(https://git.example.com/org/repo.git)), an SSH address (V(git@git.example.com:org/repo)), or a directory on
        the target (V(file:///srv/packs/mine) or V(/srv/packs/mine)).
      - A version is a release (V(1.0.2)), tag, branch, or commit. Full commits are the only ones that never move.
      - Credentials in a URL are taken out and used, with a warning. Give them by O(token) or O(password).
      - V(*) with O(state=latest) is every installed pack, each from where it came. Packs that were installed at a tag
        or commit of a repository that is in no index stay.
    aliases: [pack]
    type: list
    elements: str
  version:
    description:
      - Release, tag, branch or commit of the pack, where O(name) has only one.
      - A number is refused, as C(1.10) is C(1.1) to YAML. Write versions in quotes.
    type: raw
    version_added: 0.3.0
  packs:
    description:
      - Packs in structured form, for sources that contain V(=), for one pack of a repository with many, and to insist
        on the pack that a source must have.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The pack's ref. Without O(packs[].source), the name in the index. Beside a source, the pack that it must
            hold.
        aliases: [pack]
        type: str
      version:
        description:
          - Release, tag, branch or commit. A number is refused, as C(1.10) is C(1.1) to YAML. Write versions in quotes.
        type: raw
      source:
        description:
          - URL, SSH address, V(org/repo), or directory.
        type: str
      subdir:
        description:
          - Directory of the pack inside the source. Such a pack is installed without the repository's C(.git).
        type: str
      digest:
        description:
          - Digest of the content of a directory, V(sha256:...), as RV(packs[].after.digest) gives it. When that is
            installed, the directory is not read.
        type: str
      upload:
        description:
          - Archive on the target with the content of a directory of the controller. Ansible sets this with
            O(remote_src=false); there is no need to.
        type: path
      state:
        description:
          - As O(state), for this pack. By default that of the task.
        type: str
        choices: [present, latest, absent]
        version_added: 0.3.0
      config:
        description:
          - The config of the pack, as O(stackstorm.st2.st2_pack_config#module:config). It is checked by the schema of
            the version that is installed by this task, and changed together with the pack.
        type: dict
        version_added: 0.3.0
      secrets:
        description:
          - Values of the config that are secret whatever the schema says, as
            O(stackstorm.st2.st2_pack_config#module:secrets). They are shown nowhere, though Ansible, which would look
            for their text in all that the module returns, knows nothing of that.
        type: dict
        version_added: 0.3.0
      overrides:
        description:
          - What is enabled and disabled of the pack, as with M(stackstorm.st2.st2_override).
        type: dict
        version_added: 0.3.0
        suboptions:
          sensors: &section
            description:
              - What is to be enabled and disabled of this kind.
            type: dict
            suboptions:
              defaults:
                description:
                  - Whether all resources of this kind are enabled, as a mapping with the key C(enabled).
                type: dict
              exceptions:
                description:
                  - The same for single ones, as a mapping from their names.
                type: dict
              enabled:
                description:
                  - Short form of exceptions, a list of the names to enable. Also V(true) or V(false), as short form of
                    defaults.
                type: raw
              disabled:
                description:
                  - Short form of exceptions, a list of the names to disable.
                type: raw
          actions: *section
          rules: *section
          aliases: *section
      merge:
        description:
          - Whether O(packs[].config) and O(packs[].overrides) are all that the files say, or go into what they say.
        type: str
        choices: [replace, merge]
        default: replace
        version_added: 0.3.0
  backend:
    description:
      - V(local) works on the target, which is a StackStorm host.
      - V(api) lets StackStorm do the work and needs nothing but its API, for a StackStorm that can only be reached
        remotely, such as one in Kubernetes. The target is then any machine that reaches the API, usually the controller
        (by C(delegate_to)). Packs are known by their version alone, and are installed one after another.
      - With V(api) only O(name), O(version), O(packs), O(state), O(dependencies), O(force), O(allow_downgrade),
        O(index_strict), O(timeout), O(ca_bundle) and the options of the API mean something. Others are refused, and so
        are branches, commits, O(packs[].overrides), and sources that StackStorm would misread.
      - With V(api), O(packs[].config) and O(packs[].secrets) are put as M(stackstorm.st2.st2_pack_config) does it with
        O(stackstorm.st2.st2_pack_config#module:backend=api), each when its pack is there. Of a pack that comes or
        changes the schema is known only then, so that a config which does not fit fails the task with the pack
        installed.
    type: str
    choices: [local, api]
    default: local
  state:
    description:
      - V(present) is satisfied by any installed version where none is asked for, and by the one asked for otherwise.
      - V(latest) takes what the source has now. That is the index's version for a name, the tip of the default branch
        for a URL, the tip of a branch that is asked for, and the content of a directory. Releases, tags and commits
        are as with V(present). Where that is a lower version than the installed one, the pack stays, unless
        O(allow_downgrade) is V(true).
      - A pack that is a symbolic link, as developers make them, is any version with V(present) and is never replaced; a
        task that asks for a version of it, or for the latest, fails. Nor is a mount point ever replaced or removed, or
        a file that has the place of a pack. A directory without C(pack.yaml) makes room, is kept for good beside the
        releases, and is named. A pack whose own directory is given as its source is satisfied as it is.
      - V(absent) removes the pack directory, and of a symbolic link only the link. StackStorm's own packs are never
        removed. A pack that is named with a version is removed only when that is the installed one.
    type: str
    choices: [present, latest, absent]
    default: present
  dependencies:
    description:
      - V(install) also installs the packs that the wanted ones depend on, V(check) fails when one is missing, V(skip)
        does not look.
      - Versions that contradict each other fail the task before anything is changed, as does removing a pack that
        another one needs, unless this is V(skip).
      - Whatever this is, no pack is taken out of StackStorm's database by a task that wants another one present whose
        rules wait for its triggers. Such rules have no trigger any more when the pack goes by a task of its own; their
        pack is registered anew when a task next asks for it.
    type: str
    choices: [install, check, skip]
    default: install
  force:
    description:
      - Accept packs that say they do not run on this StackStorm or Python version. Nothing else is forced.
      - With O(backend=api) StackStorm also ignores the lock of another installation of the pack.
    type: bool
    default: false
  allow_downgrade:
    description:
      - Whether O(state=latest) may put a lower version in the place of a higher one, as when the index went back.
      - A version that is asked for by name is installed whether it is lower or not.
    type: bool
    default: false
    version_added: 0.3.0
  base_path:
    description:
      - Another of the host's C(packs_base_paths) to install to. By default, a pack stays in the one where it is, and
        a new one goes to the system packs path.
    type: path
  verify:
    description:
      - V(content) compares every file of the packs that are there with what was installed. With O(state=present)
        edited, missing and extra files are repaired, and named in RV(packs[].edits). So are commits that somebody made
        in a pack and that its source does not have.
      - V(database) compares with StackStorm's database every action, sensor, rule, alias, policy and trigger of the
        packs that are there (whether it has it, and whether that is enabled as metadata and overrides say), and their
        configs. It costs one question for each kind, whatever the number of packs. What somebody deleted or switched
        in StackStorm is found and mended by registering the pack, and named in RV(msg). Needs access to the API.
    type: str
    choices: [fast, content, database]
    default: fast
  keep_releases:
    description:
      - How many earlier versions of each pack stay on the host. Asking for one of them by release, tag or commit takes
        it from there, without the network.
      - A pack that O(verify=content) repaired takes no earlier version's place. Its edited files stay beside them until
        the pack is changed again.
      - Whatever this is, a pack in which people worked is kept for good when another version takes its place, or when
        what they committed is undone. A warning says what they did and where it is.
    type: int
    default: 1
  purge:
    description:
      - With O(state=absent) or O(exclusive), also remove the virtualenv, the config, the overrides and the kept
        releases of the packs that are removed.
    type: bool
    default: false
  exclusive:
    description:
      - Also remove the installed packs that no item of the task needs, be it as a dependency. Check mode and diff name
        each.
      - What stays is named in a warning. StackStorm's own packs always stay, and so do C(default), symbolic links,
        mount points, packs of other base paths, and packs in which people made actions, rules, aliases or policies by
        hand.
    type: bool
    default: false
    version_added: 0.3.0
  exclusive_empty:
    description:
      - Let O(exclusive) remove every pack when the task names none.
    type: bool
    default: false
    version_added: 0.3.0
  owner:
    description:
      - Owner of packs and virtualenvs. By default, the account that runs the module.
    type: str
  group:
    description:
      - Group of packs and virtualenvs. By default C([content] pack_group).
    type: str
  remote_src:
    description:
      - With V(false), directories in O(name) and O(packs[].source) are on the controller, absolute or relative as for
        M(ansible.builtin.copy), and are sent to the target when their content is not installed there. An
        O(packs[].source) without a scheme, such as V(packs/acme_dns), is then always such a directory.
    type: bool
    default: true
  register_types:
    description:
      - Register only these kinds of content of a pack. By default all.
    type: list
    elements: str
    choices: [trigger, sensor, action, rule, alias, policy, config]
  fail_on_failure:
    description:
      - Whether one action, rule or other resource that StackStorm refuses fails the task, which then puts everything
        back. With V(false), StackStorm leaves out what it refuses. What is known of that before anything is touched is
        told by a warning, and by RV(packs[].left_out).
    type: bool
    default: true
  prune:
    description:
      - Take out of StackStorm's database what it still has of these packs although its metadata file is gone, such as
        actions that a new version dropped. StackStorm itself never does. Check mode and diff name them first.
      - Nothing of another pack is touched, nor what somebody made by hand. StackStorm lets nobody delete a sensor; such
        a sensor is switched off. Needs access to the API.
    type: bool
    default: false
  lockfile:
    description:
      - A lock, usually C(packs.lock.yml), on the controller, absolute or relative as for M(ansible.builtin.copy). With
        V(file:///PATH) it is on the target, which then needs PyYAML to read it.
      - Packs are installed exactly as they are locked, at the commit and with the content that the lock has, and so are
        the packs that they depend on by it, whatever the index, a tag or a branch say meanwhile. No index is read. The
        content is compared before a pack takes its place, and a tag that was moved is an error that names both commits.
      - Each pack has to be asked for as it was when the lock was made. All that is not in the lock, or is asked for
        otherwise (RV(packs[].requested)), is said in one error, and nothing is changed; see O(locked).
      - Without O(name) and O(packs), all that is locked is asked for, so that O(exclusive) keeps just that.
      - With O(state=latest) it is the locked version, and O(state=absent) is the same with and without a lock.
      - Where the lock has wheels, a virtualenv gets exactly those, compared by digest, and what C(requirements.txt)
        says is not resolved again. The Python of pack virtualenvs on the target decides which wheels these are. A
        virtualenv that was made otherwise is made anew, also one that C(st2 pack install) made. Without wheels,
        requirements are installed as without a lock.
      - Mutually exclusive with O(bundle).
    type: str
    version_added: 0.3.0
  bundle:
    description:
      - A bundle (M(stackstorm.st2.st2_bundle)) on the controller, absolute or relative as for M(ansible.builtin.copy).
        With V(file:///PATH) it is on the target, which then needs PyYAML to read the lock in it.
      - The lock in it counts, as with O(lockfile), and all that it names is taken from the bundle. The target connects
        to no index, no repository and no package index. Credentials are not needed.
      - A target is sent only what it lacks, in one file. What was sent is kept beside the packs, until no pack that
        needs it is installed or kept as an earlier release.
      - A bundle that was cut off or changed is refused before anything is written, and so is one without Python
        packages for the Python of the target, where a virtualenv has to be built.
      - Mutually exclusive with O(lockfile).
    type: str
    version_added: 0.3.0
  locked:
    description:
      - What to do about a pack that is not in O(lockfile) or O(bundle), or is asked for otherwise. V(strict) refuses
        it, V(prefer) resolves it as without a lock, with a warning.
      - The same goes for a virtualenv that has to be built for a platform of which the lock has no wheels.
    type: str
    choices: [strict, prefer]
    default: strict
    version_added: 0.3.0
  lock:
    description:
      - What a O(lockfile) of the controller holds, or a O(bundle). Ansible sets this; there is no need to.
    type: str
    version_added: 0.3.0
extends_documentation_fragment:
  - stackstorm.st2._virtualenv
  - stackstorm.st2._access
  - stackstorm.st2._connection
  - stackstorm.st2._registration
  - stackstorm.st2._host
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.actiongroup_st2
attributes:
  async:
    support: partial
    details:
      - Not with O(remote_src=false), as the controller has to answer when the module asks for a directory. With a lock
        that has a directory of the controller, that content has to be installed already.
  check_mode:
    support: full
    details:
      - Reads indexes and repositories where that is needed to tell what would happen, and writes nothing of
        StackStorm's.
      - With O(backend=api), packs that only an installation shows to be needed are not predicted, which a warning says.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: stackstorm.st2.st2_bundle
    description: Makes what O(bundle) names.
  - module: stackstorm.st2.st2_pack_info
"""

EXAMPLES = r"""
- name: Ensure the sensu pack is installed, whatever its version
  stackstorm.st2.st2_pack:
    name: sensu

- name: Install these releases, with everything they depend on
  stackstorm.st2.st2_pack:
    name:
      - sensu=1.0.2
      - jira=3.0.0

- name: Install one commit of a private repository
  stackstorm.st2.st2_pack:
    name: https://git.example.com/automation/stackstorm-acme.git=4f1c0e4b1f6f0d0f8a1c9b8a7d6e5f4a3b2c1d0e
    token: "{{ vault_git_token }}"

- name: Install from an index that has to be signed by one of those in a file of the controller
  stackstorm.st2.st2_pack:
    name: acme_dns
    index_url: https://exchange.example.com/v1/index.json
    index_allowed_signers: "{{ lookup('ansible.builtin.file', 'st2_allowed_signers') | split('\n') }}"

- name: Install a pack that lies in a directory of a larger repository
  stackstorm.st2.st2_pack:
    packs:
      - name: acme_dns
        source: git@git.example.com:automation/packs.git
        version: main
        subdir: packs/acme_dns
    ssh_key_file: /root/.ssh/deploy

- name: Install the pack in a directory beside the playbook
  stackstorm.st2.st2_pack:
    packs:
      - source: ./acme_dns
    remote_src: false

- name: Undo edits that somebody made on the host
  stackstorm.st2.st2_pack:
    name: sensu
    verify: content

- name: Follow the index, and remove from StackStorm what the pack no longer has
  stackstorm.st2.st2_pack:
    name: sensu
    state: latest
    prune: true
    api_key: "{{ vault_st2_api_key }}"

- name: Upgrade a pack whose new version needs another key in its config, and switch off what nobody uses
  stackstorm.st2.st2_pack:
    packs:
      - name: sensu
        version: 1.0.2
        config:
          host: sensu.example.com
          user: st2
        secrets:
          pass: "{{ vault_sensu_password }}"
        overrides:
          actions:
            disabled: [event_delete]

- name: Ensure these packs are installed, and no others
  stackstorm.st2.st2_pack:
    packs:
      - name: sensu
      - name: jira
        state: latest
    exclusive: true

- name: Install exactly what is locked in a file beside the playbook, and remove all other packs
  stackstorm.st2.st2_pack:
    lockfile: packs.lock.yml
    exclusive: true

- name: Install all packs of a bundle on hosts that reach nothing else
  stackstorm.st2.st2_pack:
    bundle: packs.bundle

- name: Install one pack as it is locked, and what it depends on
  stackstorm.st2.st2_pack:
    name: sensu
    lockfile: packs.lock.yml

- name: Install a pack in an image, where no StackStorm runs
  stackstorm.st2.st2_pack:
    name: sensu=1.0.2
    register: none

- name: Install releases in a StackStorm that can only be reached by its API
  stackstorm.st2.st2_pack:
    name:
      - sensu=1.0.2
      - https://git.example.com/automation/stackstorm-acme.git=2.1.0
    backend: api
    api_url: https://st2.example.com/api/v1
    api_key: "{{ vault_st2_api_key }}"
  delegate_to: localhost
  run_once: true

- name: Remove a pack and everything that belongs to it
  stackstorm.st2.st2_pack:
    name: sensu
    state: absent
    purge: true
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: sensu 1.0.1 -> 1.0.2 108d52b
packs:
  description:
    - Every pack of the task, dependencies among them, in the order in which they were taken. At the end are packs that
      these need and that were there already, with which nothing is done. With O(dependencies=skip) they are not listed.
    - Also returned by a task that failed, which has changed none of them; with O(backend=api), a task that failed has
      changed those that say so.
  returned: always
  type: list
  elements: dict
  contains:
    ref:
      description: The pack's ref, which is the name of its directory. Null when a source was not read.
      returned: always
      type: str
      sample: sensu
    name:
      description: The pack's display name.
      returned: always
      type: str
      sample: sensu
    requested:
      description: The requests that came to this pack.
      returned: always
      type: list
      elements: str
      sample: [sensu=1.0.2]
    source:
      description: Where the pack came from, without credentials.
      returned: always
      type: str
      sample: https://github.com/StackStorm-Exchange/stackstorm-sensu
    before:
      description: What was there. Null when nothing was.
      returned: always
      type: dict
      sample: {version: 1.0.1, commit: 3f8a4b0c5d6e7f8091a2b3c4d5e6f708192a3b4c, digest: null}
    after:
      description: What is there now, or would be in check mode. Null when nothing is.
      returned: always
      type: dict
      contains:
        version:
          description: The version in C(pack.yaml).
          returned: always
          type: str
          sample: 1.0.2
        commit:
          description: The full commit. Null for a plain directory, and with O(backend=api).
          returned: always
          type: str
          sample: 108d52bf6694c1a681d871124901ab0925f49bd0
        digest:
          description: Digest of the content of a pack without commit.
          returned: always
          type: str
          sample: sha256:0d1c7d2a9e8f7b6a5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b
    action:
      description:
        - What was done. V(replace) is another commit or source of the same version, V(repair) undid edits,
          V(virtualenv) built only that, V(purge) removed what an absent pack had left, and V(adopt) is a pack that
          something else installed and that is the one wanted.
        - V(register), V(unload) and V(prune) changed only StackStorm's database, because it did not have what the
          files are.
      returned: always
      type: str
      sample: upgrade
    changed:
      description: Whether this pack is different now.
      returned: always
      type: bool
      sample: true
    virtualenv:
      description:
        - V(none) (needs none), V(kept), V(built), V(rebuilt), V(removed) or V(skipped).
        - V(unknown) with O(backend=api), where StackStorm looks after virtualenvs.
      returned: always
      type: str
      sample: rebuilt
    virtualenv_backend:
      description:
        - What made the virtualenv, V(uv), V(virtualenv) or V(venv), or makes it after check mode. V(pip) where uv made
          it and pip installed the requirements, because uv did not.
      returned: when a virtualenv was built or rebuilt
      type: str
      sample: uv
      version_added: 0.3.0
    virtualenv_python:
      description: Version and path of the Python of the virtualenv.
      returned: when a virtualenv was built or rebuilt
      type: str
      sample: 3.8 (/opt/stackstorm/st2/bin/python)
      version_added: 0.3.0
    edits:
      description:
        - Commits, and edited, missing and extra files that were found. They are looked for with O(verify=content), and
          where another version takes the place of a pack. With O(backend=api) none are looked for.
      returned: always
      type: list
      elements: str
      sample: [committed 1f0e2d3 Ask twice, edited actions/check.py]
    database_state:
      description:
        - What StackStorm's database has of the pack, or would have in check mode. V(current) is what is on disk,
          V(stale) something else or only a part of it, V(absent) nothing.
        - V(unknown) is when it is not known, because nothing is registered (O(register=none)), something else
          registered it and the database cannot be asked, or resources may have been left out
          (O(fail_on_failure=false)).
      returned: always
      type: str
      sample: current
    left_out:
      description: What StackStorm refuses of a pack that comes, and leaves out, with file, line and reason.
      returned: when O(fail_on_failure=false) and there is any
      type: list
      elements: str
      sample: ["actions/check.yaml, line 7: the parameters host and port have the same position 0"]
      version_added: 0.3.0
    config:
      description: What became of the config that the item asked for.
      returned: when the item has C(config) or C(secrets)
      type: dict
      sample: {changed: true, changes: {added: [token], changed: [], removed: []}, database_state: current}
    overrides:
      description: What became of the overrides that the item asked for, and which resources they switch.
      returned: when the item has C(overrides)
      type: dict
      sample: {changed: true, switched: [actions event_delete], database_state: current}
    pruned:
      description: What was taken out of the database because its file is gone.
      returned: always
      type: list
      elements: str
      sample: [sensu.old_check]
    step:
      description: The step that failed for this pack. Null when none did.
      returned: always
      type: str
      sample: validate
    msg:
      description: What happened to this pack, or why nothing did.
      returned: always
      type: str
      sample: sensu 1.0.1 -> 1.0.2 108d52b
database_state:
  description:
    - What StackStorm's database has of all packs of the task, C(current), C(stale), C(absent) or C(unknown). When they
      differ, C(stale) counts before C(unknown), that before C(current), and that before C(absent). StackStorm's own
      packs do not count.
  returned: always
  type: str
  sample: current
restart_needed:
  description:
    - The services of this host that go on with old code or config after the change, or would in check mode. Sensors
      do so, as they read both when they start. StackStorm starts a sensor anew when that is registered, and not when
      its config is, or when new files are not registered.
    - C(st2sensorcontainer), where the host has that service and StackStorm runs sensors of the packs concerned. Never
      with O(backend=api), as those services are elsewhere.
  returned: always
  type: list
  elements: str
  sample: [st2sensorcontainer]
registration:
  description:
    - What StackStorm registered, in its own counts by type, and how many of these an override switched on or off. Of
      several packs together it does not tell that number, which is null then.
    - C(by) is how that was done, V(api), V(local) or V(none); null when there was no need to find out.
  returned: always
  type: dict
  sample: {by: api, counts: {actions: 12, sensors: 1}, overridden: {actions: 2}}
missing_blobs:
  description: The digests of what the target lacks of O(bundle). Ansible sends it, and runs the module again.
  returned: failure at the step V(upload)
  type: list
  elements: str
  sample: [sha256:62b7f35c9bd5ad19c530fb979b0b43ef62b7f35c9bd5ad19c530fb979b0b43ef]
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: fetch
stderr:
  description: What the program wrote that failed, without secrets.
  returned: failure of a program
  type: str
  sample: "fatal: repository not found"
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    access_options,
    host_options,
    pack_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import converge_packs


def main() -> None:
    """Run the module."""
    spec = pack_options().merge(access_options()).merge(registration_options()).merge(host_options())
    run_module(spec, converge_packs)


if __name__ == "__main__":
    main()
