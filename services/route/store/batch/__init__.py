"""What a batch of route needs is read in one statement (two when it hands over), what it changed is written in one.

Who may write what: a lead's row and queue entry belong to its partition number, whose only owner the fence of the
delivery core has let in. Accounts, pools and merges are shared by all numbers: a batch that may give a lead to somebody or merge
two first takes the gate, and so decides alone, on what everybody before it has committed. So does a batch with outcomes: a merge may
move or withdraw a handover while its outcome arrives. Handovers are locked by their rows all the same; the gate always comes before.
"""

from __future__ import annotations

from services.route.store.batch.clock import due
from services.route.store.batch.loading import LEADS, load
from services.route.store.batch.saving import save

__all__ = ["LEADS", "due", "load", "save"]
