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
  - Installs, upgrades and removes packs on a StackStorm host. Packs come from a pack index, from git repositories or
    from directories.
  - A pack is fetched and validated in a staging area, where its virtualenv is created too, and is then moved into place
    by a rename. The installed pack is not touched until then, and is restored if anything fails. A task changes all of
    its packs or none.
  - If everything is already in the requested state, the module starts no program and does not use the network, except
    for one request to StackStorm if the task has access to its API.
options:
  name:
    description:
      - Packs in any form that C(st2 pack install) accepts, each optionally followed by C(=VERSION).
      - Each item is a name in the index (V(sensu)), a GitHub repository (V(org/repo)), a URL
        (V(https://git.example.com/org/repo.git)), an SSH address (V(git@git.example.com:org/repo)), or a directory on
        the target (V(file:///srv/packs/mine) or V(/srv/packs/mine)).
      - A version is a release (V(1.0.2)), tag, branch, or commit. Only a full commit ID is guaranteed to never change.
      - Credentials in a URL are used, but removed from the URL with a warning. Use O(token) or O(password) instead.
      - V(*) with O(state=latest) means every installed pack, each from the source that it was installed from. Packs
        that were installed at a tag or commit of a repository that is in no index are not changed.
    aliases: [pack]
    type: list
    elements: str
  version:
    description:
      - Release, tag, branch or commit of the pack, if O(name) has only one item.
      - A number is refused, as C(1.10) is C(1.1) to YAML. Write versions in quotes.
    type: raw
    version_added: 0.3.0
  packs:
    description:
      - Packs as dictionaries. Use this form for sources that contain V(=), for a pack in a subdirectory of a
        repository, and to require that a source contains a certain pack.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The ref of the pack. Without O(packs[].source), this is the name in the index. With a source, the source
            must contain this pack.
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
          - Directory of the pack inside the source. Such a pack is installed without the C(.git) directory of the
            repository.
        type: str
      digest:
        description:
          - Digest of the content that the pack must have, V(sha256:...). A pack with other files is refused, and
            nothing is changed. A pack that was installed with this content is satisfied.
          - For a directory, the digest is returned as RV(packs[].after.digest). If a pack with this digest is
            installed, the directory is not read.
          - For a repository, it is the digest of the files of the requested version, or of O(packs[].subdir) in it, as
            returned by M(stackstorm.st2.st2_pack_info). It also protects against moved tags and against other content
            on the server.
        type: str
      upload:
        description:
          - Archive on the target with the content of a directory of the controller. This is set internally with
            O(remote_src=false). Do not set it in a task.
        type: path
      state:
        description:
          - Same as O(state), for this pack only. Defaults to the value of O(state).
        type: str
        choices: [present, latest, absent]
        version_added: 0.3.0
      config:
        description:
          - The config of the pack, see O(stackstorm.st2.st2_pack_config#module:config). It is validated against the
            schema of the version that the task installs, and changed together with the pack.
        type: dict
        version_added: 0.3.0
      secrets:
        description:
          - Config values that are secret whatever the schema says, see
            O(stackstorm.st2.st2_pack_config#module:secrets). They are never shown. The option is not declared
            C(no_log), since Ansible would then mask the same text everywhere in the result.
        type: dict
        version_added: 0.3.0
      overrides:
        description:
          - Which resources of the pack to enable and disable, see M(stackstorm.st2.st2_override).
        type: dict
        version_added: 0.3.0
        suboptions:
          sensors: &section
            description:
              - Which resources of this kind to enable and disable.
            type: dict
            suboptions:
              defaults:
                description:
                  - Whether all resources of this kind are enabled, as a dictionary with the key C(enabled).
                type: dict
              exceptions:
                description:
                  - The same for single resources, as a dictionary with their names as keys.
                type: dict
              enabled:
                description:
                  - Short form of exceptions, a list of the names to enable. V(true) and V(false) are a short form of
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
          - Whether O(packs[].config) and O(packs[].overrides) replace the content of the files or are merged into it.
        type: str
        choices: [replace, merge]
        default: replace
        version_added: 0.3.0
      verify_signature:
        description:
          - Same as O(verify_signature), for this pack and the packs that it depends on. Replaces the value of the task.
        type: dict
        version_added: 0.3.0
        suboptions:
          allowed_signers:
            description:
              - Same as O(verify_signature.allowed_signers).
            type: list
            elements: str
          gpg_fingerprints:
            description:
              - Same as O(verify_signature.gpg_fingerprints).
            type: list
            elements: str
          gpg_keys:
            description:
              - Same as O(verify_signature.gpg_keys).
            type: list
            elements: str
          require:
            description:
              - Same as O(verify_signature.require).
            type: str
            choices: [tag, commit, either]
            default: either
  backend:
    description:
      - V(local) manages the packs on the target, which must be a StackStorm host.
      - V(api) lets StackStorm do the work and only needs access to its API. Use it for a StackStorm that can only be
        reached remotely, such as one in Kubernetes. The target is then any machine that can reach the API, usually the
        controller (with C(delegate_to)). Packs are compared by version only, and are installed one after another.
      - With V(api) only O(name), O(version), O(packs), O(state), O(dependencies), O(force), O(allow_downgrade),
        O(index_strict), O(timeout), O(ca_bundle) and the options for the API are supported. Other options are refused,
        and so are branches, commits, O(packs[].overrides), and sources that StackStorm would misinterpret.
      - With V(api), O(packs[].config) and O(packs[].secrets) are set in the same way as by
        M(stackstorm.st2.st2_pack_config) with O(stackstorm.st2.st2_pack_config#module:backend=api), each once its pack
        is installed. The schema of a pack that is installed or changed is not known before that, so a config that does
        not match it fails the task after the pack was installed.
    type: str
    choices: [local, api]
    default: local
  state:
    description:
      - V(present) ensures that the pack is installed, at the requested version if there is one. Without a version, any
        installed version is accepted.
      - V(latest) ensures that the pack is what its source has now. That is the version in the index for a name, the tip
        of the default branch for a URL, the tip of a requested branch, and the content of a directory. Releases, tags
        and commits are treated as with V(present). If that is a lower version than the installed one, the pack is not
        changed, unless O(allow_downgrade) is V(true).
      - A pack that is a symbolic link, as developers use them, is accepted with V(present) and never replaced. A task
        that requests a version of it, or V(latest), fails. A mount point, or a file in the place of a pack, is never
        replaced or removed either. A directory without C(pack.yaml) is moved to the kept releases, where it is never
        deleted, and a warning names it. A pack whose own directory is its source is accepted as it is.
      - V(absent) removes the directory of the pack. If that is a symbolic link, only the link is removed. StackStorm's
        own packs are never removed. If a version is set, the pack is removed only if that version is installed.
    type: str
    choices: [present, latest, absent]
    default: present
  dependencies:
    description:
      - V(install) also installs the packs that the requested packs depend on, V(check) fails if one of them is missing,
        and V(skip) ignores dependencies.
      - Unless this is V(skip), the task fails before anything is changed if versions contradict each other, or if a
        pack to remove is required by another pack.
      - Whatever the value, a task does not unload a pack if the same task ensures the presence of another pack whose
        rules use its triggers. If a separate task removes the pack, those rules lose their trigger, and their pack is
        registered again by the next task that manages it.
    type: str
    choices: [install, check, skip]
    default: install
  force:
    description:
      - Accept packs that declare that they do not support this StackStorm or Python version. Nothing else is forced.
      - With O(backend=api), StackStorm also ignores the lock of another installation of the pack.
    type: bool
    default: false
  allow_downgrade:
    description:
      - Whether O(state=latest) may replace a higher version with a lower one, for example after the index was reverted.
      - A version that the task sets explicitly is installed even if it is lower.
    type: bool
    default: false
    version_added: 0.3.0
  base_path:
    description:
      - One of the C(packs_base_paths) of the host to install to. By default, an installed pack stays in its base path,
        and a new pack is installed to the system packs path.
    type: path
  verify:
    description:
      - V(content) compares every file of the installed packs with what was installed. With O(state=present), edited,
        missing and extra files are repaired and listed in RV(packs[].edits). The same applies to local commits that the
        source of a pack does not have.
      - V(database) compares every action, sensor, rule, alias, policy and trigger of the installed packs, and their
        configs, with StackStorm's database. A resource must exist there and be enabled or disabled as metadata and
        overrides say. This takes one request for each kind, whatever the number of packs. If somebody deleted, enabled
        or disabled a resource in StackStorm, the pack is registered again, and RV(msg) names the resource. Requires
        access to the API.
    type: str
    choices: [fast, content, database]
    default: fast
  keep_releases:
    description:
      - Number of earlier versions of each pack to keep on the host. When a task requests one of them by release, tag or
        commit, it is restored from there without using the network.
      - A repair by O(verify=content) does not count as an earlier version. The edited files are kept next to the
        releases until the pack is changed again.
      - Whatever the value, a pack with local changes is kept permanently when another version replaces it, or when its
        local commits are undone. A warning says what the changes are and where they are kept.
    type: int
    default: 1
  purge:
    description:
      - With O(state=absent) or O(exclusive), also remove the virtualenv, the config, the overrides and the kept
        releases of the removed packs.
    type: bool
    default: false
  exclusive:
    description:
      - Also remove installed packs that the task does not list and that no listed pack depends on. Check mode and diff
        mode list each of them.
      - StackStorm's own packs are never removed, and neither are C(default), symbolic links, mount points, packs in
        other base paths, and packs that contain manually created actions, rules, aliases or policies. A warning lists
        the packs that stay.
    type: bool
    default: false
    version_added: 0.3.0
  exclusive_empty:
    description:
      - Allow O(exclusive) to remove all packs if the task lists none.
    type: bool
    default: false
    version_added: 0.3.0
  owner:
    description:
      - Owner of packs and virtualenvs. Defaults to the account that runs the module.
    type: str
  group:
    description:
      - Group of packs and virtualenvs. Defaults to C([content] pack_group).
    type: str
  remote_src:
    description:
      - With V(false), directories in O(name) and O(packs[].source) are on the controller, with absolute or relative
        paths as for M(ansible.builtin.copy). They are sent to the target if their content is not installed there. A
        path without a scheme, such as V(packs/acme_dns), is then always such a directory, and never a repository on
        GitHub.
    type: bool
    default: true
  phase:
    description:
      - V(all) does everything in one task.
      - V(stage) does everything that can fail or takes time, such as downloads, validation, the checks of configs and
        the creation of virtualenvs, and keeps the result on the target. Nothing that StackStorm reads is changed.
      - V(swap) puts exactly that in place. It only renames files and directories, and neither uses the network nor
        starts a program. It fails if nothing was staged for this task, or if what is installed was changed since then.
        The options must be the same as with V(stage), except for those about credentials, connections and registration.
      - V(stage) and V(swap) register nothing, whatever O(register) says. Register the packs with a task of its own
        afterwards, such as with M(stackstorm.st2.st2_pack) and O(phase=all).
      - In check mode, both predict what V(all) would do with the files. What was staged is kept for 7 days, or until
        something else is staged for one of the packs.
    type: str
    choices: [all, stage, swap]
    default: all
    version_added: 0.3.0
  register_types:
    description:
      - Register only these kinds of content of a pack. By default, all are registered.
    type: list
    elements: str
    choices: [trigger, sensor, action, rule, alias, policy, config]
  fail_on_failure:
    description:
      - Whether the task fails and is rolled back if StackStorm refuses a resource, such as an action or rule. With
        V(false), StackStorm leaves out what it refuses. Refusals that are known before anything is changed are listed
        in a warning and in RV(packs[].left_out).
    type: bool
    default: true
  prune:
    description:
      - Remove resources of these packs from StackStorm's database if their metadata file no longer exists, such as
        actions that a new version dropped. StackStorm itself never does this. Check mode and diff mode list them.
      - Resources of other packs and manually created resources are not touched. StackStorm does not allow deleting a
        sensor, so such a sensor is disabled instead. Requires access to the API.
    type: bool
    default: false
  lockfile:
    description:
      - Path to a lock file, usually C(packs.lock.yml), that M(stackstorm.st2.st2_pack_lock) created. The file is on the
        controller and is found like the C(src) of M(ansible.builtin.copy). With V(file:///PATH) it is on the target,
        which then requires PyYAML.
      - Packs are installed exactly as they are locked, with the locked commit and content, and so are their
        dependencies. No index is read. The content is verified before the pack is replaced. A tag that was moved is an
        error that names both commits.
      - Each pack must be requested as it was when the lock was created. All requests that are not in the lock, or
        differ from it (RV(packs[].requested)), are reported in one error, and nothing is changed. See O(locked).
      - Without O(name) and O(packs), all locked packs are requested. O(exclusive) then removes all others.
      - O(state=latest) means the locked version. O(state=absent) does not depend on the lock.
      - If the lock contains wheels, virtualenvs get exactly these wheels, verified by hash, and the requirements of the
        pack are not resolved again. The Python of the virtualenvs on the target determines which wheels are used. A
        virtualenv that was created in another way, such as by C(st2 pack install), is replaced. Without wheels,
        requirements are installed as without a lock.
      - Mutually exclusive with O(bundle).
    type: str
    version_added: 0.3.0
  bundle:
    description:
      - Path to a bundle that M(stackstorm.st2.st2_bundle) created. The file is on the controller and is found like the
        C(src) of M(ansible.builtin.copy). With V(file:///PATH) it is on the target, which then requires PyYAML.
      - The lock in the bundle is used as O(lockfile), and everything it lists is taken from the bundle. The target does
        not connect to indexes, repositories or package indexes, and credentials are not needed.
      - Only what the target does not have yet is sent, in one file. It is kept beside the packs as long as an installed
        pack or a kept earlier release needs it.
      - A truncated or modified bundle is refused before anything is written. So is a bundle without Python packages for
        the Python of the target, if a virtualenv has to be built.
      - Mutually exclusive with O(lockfile).
    type: str
    version_added: 0.3.0
  locked:
    description:
      - How to handle a pack that is not in O(lockfile) or O(bundle), or that is requested differently. V(strict)
        refuses it. V(prefer) resolves it as without a lock, with a warning.
      - The same applies to a virtualenv that has to be built for a platform without wheels in the lock.
    type: str
    choices: [strict, prefer]
    default: strict
    version_added: 0.3.0
  lock:
    description:
      - The content of a O(lockfile) or O(bundle) on the controller. This is set internally. Do not set it in a task.
    type: str
    version_added: 0.3.0
extends_documentation_fragment:
  - stackstorm.st2._signature
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
      - Not supported with O(remote_src=false), since the controller has to send directories while the task runs, except
        with O(phase=swap).
      - With a lock that contains a directory of the controller, that content must already be installed.
  check_mode:
    support: full
    details:
      - Reads indexes and repositories as far as needed to predict the result, and changes nothing in StackStorm.
      - With O(backend=api), dependencies that only become known during an installation are not predicted. A warning
        says so.
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: stackstorm.st2.st2_bundle
    description: Creates the file for O(bundle).
  - module: stackstorm.st2.st2_pack_info
"""

EXAMPLES = r"""
- name: Ensure that the sensu pack is installed, at any version
  stackstorm.st2.st2_pack:
    name: sensu

- name: Install certain releases with their dependencies
  stackstorm.st2.st2_pack:
    name:
      - sensu=1.0.2
      - jira=3.0.0

- name: Install a commit of a private repository
  stackstorm.st2.st2_pack:
    name: https://git.example.com/automation/stackstorm-acme.git=4f1c0e4b1f6f0d0f8a1c9b8a7d6e5f4a3b2c1d0e
    token: "{{ vault_git_token }}"

- name: Install from an index that must be signed by a signer listed in a file on the controller
  stackstorm.st2.st2_pack:
    name: acme_dns
    index_url: https://exchange.example.com/v1/index.json
    index_allowed_signers: "{{ lookup('ansible.builtin.file', 'st2_allowed_signers') | split('\n') }}"

- name: Install a release whose tag must be signed by a signer listed in a file on the controller
  stackstorm.st2.st2_pack:
    name: https://git.example.com/automation/stackstorm-acme_signed.git=1.4.0
    verify_signature:
      allowed_signers: "{{ lookup('ansible.builtin.file', 'st2_allowed_signers') | split('\n') }}"
      require: tag

- name: Install a pack from a subdirectory of a repository
  stackstorm.st2.st2_pack:
    packs:
      - name: acme_dns
        source: git@git.example.com:automation/packs.git
        version: main
        subdir: packs/acme_dns
    ssh_key_file: /root/.ssh/deploy

- name: Install a pack from a directory next to the playbook
  stackstorm.st2.st2_pack:
    packs:
      - source: ./acme_dns
    remote_src: false

- name: Revert local edits on the host
  stackstorm.st2.st2_pack:
    name: sensu
    verify: content

- name: Upgrade to the version in the index and prune resources that the pack no longer has
  stackstorm.st2.st2_pack:
    name: sensu
    state: latest
    prune: true
    api_key: "{{ vault_st2_api_key }}"

- name: Upgrade a pack together with its config, and disable an action
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

- name: Ensure that only these packs are installed
  stackstorm.st2.st2_pack:
    packs:
      - name: sensu
      - name: jira
        state: latest
    exclusive: true

- name: Install all packs of a lock file next to the playbook, and remove all other packs
  stackstorm.st2.st2_pack:
    lockfile: packs.lock.yml
    exclusive: true

- name: Install all packs of a bundle on hosts without network access
  stackstorm.st2.st2_pack:
    bundle: packs.bundle

- name: Install the locked version of one pack and its dependencies
  stackstorm.st2.st2_pack:
    name: sensu
    lockfile: packs.lock.yml

- name: Install a pack in an image where StackStorm is not running
  stackstorm.st2.st2_pack:
    name: sensu=1.0.2
    register: none

- name: Install releases through the API of a remote StackStorm
  stackstorm.st2.st2_pack:
    name:
      - sensu=1.0.2
      - https://git.example.com/automation/stackstorm-acme.git=2.1.0
    backend: api
    api_url: https://st2.example.com/api/v1
    api_key: "{{ vault_st2_api_key }}"
  delegate_to: localhost
  run_once: true

- name: Prepare an upgrade without changing anything that StackStorm reads
  stackstorm.st2.st2_pack:
    name: sensu=1.0.2
    phase: stage

- name: Put the prepared upgrade in place, which takes no time
  stackstorm.st2.st2_pack:
    name: sensu=1.0.2
    phase: swap

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
    - All packs of the task, including dependencies, in the order in which they were processed. Dependencies that were
      already installed and are not changed are listed at the end. With O(dependencies=skip), they are not listed.
    - Also returned by a failed task, which has not changed any of them. With O(backend=api), a failed task has changed
      those with RV(packs[].changed=true).
  returned: always
  type: list
  elements: dict
  contains:
    ref:
      description: The ref of the pack, which is the name of its directory. Null if the source was not read.
      returned: when not null, or with C(-v)
      type: str
      sample: sensu
    name:
      description: The display name of the pack.
      returned: when not null, or with C(-v)
      type: str
      sample: sensu
    requested:
      description: The requests that resolved to this pack.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [sensu=1.0.2]
    source:
      description: Where the pack came from, without credentials.
      returned: when not null, or with C(-v)
      type: str
      sample: https://github.com/StackStorm-Exchange/stackstorm-sensu
    before:
      description: The pack before the task. Null if it was not installed.
      returned: when not null, and not as RV(packs[].after), or with C(-v)
      type: dict
      sample: {version: 1.0.1, commit: 3f8a4b0c5d6e7f8091a2b3c4d5e6f708192a3b4c}
    after:
      description: The pack after the task, as predicted in check mode. Null if it is not installed.
      returned: when not null, or with C(-v)
      type: dict
      contains:
        version:
          description: The version in C(pack.yaml).
          returned: always
          type: str
          sample: 1.0.2
        commit:
          description: The full commit ID. Null for a plain directory, and with O(backend=api).
          returned: when it came from git, not with O(backend=api)
          type: str
          sample: 108d52bf6694c1a681d871124901ab0925f49bd0
        digest:
          description: Digest of the content of a pack without a commit.
          returned: when it came from a plain directory
          type: str
          sample: sha256:0d1c7d2a9e8f7b6a5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b
    action:
      description:
        - What was done. V(replace) means another commit or source of the same version, V(repair) reverted local edits,
          V(virtualenv) only built the virtualenv, V(purge) removed what an absent pack had left behind, and V(adopt)
          took over a pack that something else installed and that matches the request.
        - V(register), V(unload) and V(prune) changed only StackStorm's database, because it did not match the files.
      returned: always
      type: str
      sample: upgrade
    changed:
      description: Whether this pack was changed.
      returned: always
      type: bool
      sample: true
    virtualenv:
      description:
        - V(none) (not needed), V(kept), V(built), V(rebuilt), V(removed) or V(skipped).
        - V(unknown) with O(backend=api), where StackStorm manages virtualenvs.
      returned: always
      type: str
      sample: rebuilt
    virtualenv_backend:
      description:
        - The tool that created the virtualenv, or would in check mode, V(uv), V(virtualenv) or V(venv). V(pip) if uv
          created it but pip installed the requirements, because uv could not.
      returned: when a virtualenv was built or rebuilt
      type: str
      sample: uv
      version_added: 0.3.0
    virtualenv_python:
      description: Version and path of the Python interpreter of the virtualenv.
      returned: when a virtualenv was built or rebuilt
      type: str
      sample: 3.8 (/opt/stackstorm/st2/bin/python)
      version_added: 0.3.0
    edits:
      description:
        - Local commits, and edited, missing and extra files. They are searched for with O(verify=content) and when
          another version replaces a pack, but never with O(backend=api).
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [committed 1f0e2d3 Ask twice, edited actions/check.py]
    database_state:
      description:
        - State of the pack in StackStorm's database, as predicted in check mode. V(current) means that the database
          matches the files, V(stale) that it differs or is incomplete, and V(absent) that it does not contain the pack.
        - V(unknown) means that the state could not be determined, because nothing is registered (O(register=none)),
          something else registered the pack and the database cannot be queried, or resources may have been left out
          (O(fail_on_failure=false)).
      returned: always
      type: str
      sample: current
    signer:
      description:
        - Who signed the pack, as the name in O(verify_signature.allowed_signers), or the fingerprint of the primary
          GnuPG key.
      returned: with O(verify_signature), when the pack is there
      type: str
      sample: release@example.com
      version_added: 0.3.0
    left_out:
      description: Resources of a new version that StackStorm refuses and leaves out, with file, line and reason.
      returned: when O(fail_on_failure=false) and there is any
      type: list
      elements: str
      sample: ["actions/check.yaml, line 7: the parameters host and port have the same position 0"]
      version_added: 0.3.0
    config:
      description: Result for the config of the item.
      returned: when the item has C(config) or C(secrets)
      type: dict
      sample: {changed: true, changes: {added: [token], changed: [], removed: []}, database_state: current}
    overrides:
      description: Result for the overrides of the item, with the resources that they enable or disable.
      returned: when the item has C(overrides)
      type: dict
      sample: {changed: true, switched: [actions event_delete], database_state: current}
    pruned:
      description: Resources that were removed from the database because their file no longer exists.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [sensu.old_check]
    content:
      description:
        - Digest of the files that the pack has when the phases are done, as in a lock. The same files have the same
          digest on any host.
      returned: with O(phase=stage) or O(phase=swap), when the pack is there then
      type: str
      sample: sha256:5f0a1b7e9f8c7d6e5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f
      version_added: 0.3.0
    step:
      description: The step that failed for this pack. Null if none failed.
      returned: when not null, or with C(-v)
      type: str
      sample: validate
    msg:
      description: What happened to this pack, or why nothing did.
      returned: always
      type: str
      sample: sensu 1.0.1 -> 1.0.2 108d52b
database_state:
  description:
    - State of all packs of the task in StackStorm's database, C(current), C(stale), C(absent) or C(unknown). If they
      differ, C(stale) takes precedence over C(unknown), C(unknown) over C(current), and C(current) over C(absent).
      StackStorm's own packs do not count.
  returned: always
  type: str
  sample: current
restart_needed:
  description:
    - Services of this host that keep using old code or config after the change, as predicted in check mode. Sensors
      read both only when they start. StackStorm restarts a sensor when the sensor is registered, but not when its
      config is registered, and not when new files are not registered.
    - Contains C(st2sensorcontainer) if the host has that service and StackStorm runs sensors of the packs concerned.
      Always empty with O(backend=api), since the services run elsewhere.
  returned: always
  type: list
  elements: str
  sample: [st2sensorcontainer]
registration:
  description:
    - What StackStorm registered, as counted by StackStorm for each type, and how many of these an override enabled or
      disabled. If several packs are registered together, StackStorm does not return the latter number, and it is null.
    - C(by) is the method, V(api), V(local) or V(none). Null if it did not need to be determined.
  returned: always
  type: dict
  sample: {by: api, counts: {actions: 12, sensors: 1}, overridden: {actions: 2}}
change:
  description:
    - The number of the change set that this task recorded on the host. With it, M(stackstorm.st2.st2_rollback) undoes
      exactly this change.
  returned: when files were changed, with O(backend=local)
  type: str
  sample: "0007"
plan:
  description:
    - Digest of what the host has when the phases are done, the packs with their versions, commits and files, and the
      configs and overrides of the task. Secrets in configs are not part of it. It does not depend on what the host had
      before, so it can be compared between hosts.
  returned: success, with O(phase=stage) or O(phase=swap)
  type: str
  sample: sha256:8e1c5d2b9a7f6e5d4c3b2a1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e1d
  version_added: 0.3.0
missing_blobs:
  description:
    - Digests of the parts of O(bundle) that the target does not have. Ansible sends them and runs the module again.
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
  description: Error output of the program that failed, without secrets.
  returned: when a program failed
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
