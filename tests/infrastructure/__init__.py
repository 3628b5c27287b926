# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this collection stand on: packs, git repositories, servers and hosts, all made in code.

=====================  =================================================================================
``packs``              pack directories: `PackTree` and the catalogue `QUIRKS`
``repositories``       git repositories of packs, the Exchange rebuilt from its metadata, index documents
``servers``            git over https, ssh and git://, indexes, a package index and a proxy, on loopback
``st2_host``           `ScratchHost`: a directory shaped like a StackStorm host, read back independently
``st2_stub``           a stand-in for StackStorm: its API and st2-register-content, as a real one answers
``ansible_run``        running a module or a play of the collection in a process of its own
=====================  =================================================================================

Nothing here imports the collection: what it says about the world is a second opinion.
"""
