# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sequences of tasks on one or two hosts of a StackStorm, with what goes wrong and what people do in between.

==============  =====================================================================
``catalogue``   the versions of the packs that there are
``steps``       what a sequence is made of, and how a person reads it
``generate``    sequences by chance
``world``       the hosts and the stand-in for StackStorm, on which steps are played
``children``    runs in a process of their own, that may be killed
``truth``       what disk and database have, by what StackStorm itself would make of the files
``properties``  what must hold after every step
``results``     the same of what a result says
``play``        one sequence, from the first step to the last, and a shorter one when it fails
==============  =====================================================================
"""
