# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What C(make demo) shows: packs installed, upgraded, refused and removed on a host in miniature, without network.

``packs``      the packs of the demo, release by release
``world``      the directory it plays in: the host, git repositories, an index, Python packages, Ansible's settings
``terminal``   showing commands, running them as shown, and saying what was found
``story``      the steps; each reads from files and by git whether what was said is so
"""
