"""Where the textbook stack finds Kafka, its database and its topics. Read from the environment when it is imported."""

from __future__ import annotations

import os

from shared.topology import Topic

KAFKA = os.environ.get("TEXTBOOK_KAFKA", "127.0.0.1:19092")
STORE = os.environ.get("TEXTBOOK_STORE", "")
SECRET = os.environ.get("TEXTBOOK_SECRET", "textbook-textbook-textbook").encode()
KEY = os.environ.get("TEXTBOOK_KEY", "textbook")
DATA = os.environ.get("TEXTBOOK_DATA", "/tmp")
PARTITIONS = int(os.environ.get("TEXTBOOK_PARTITIONS", "4"))

CAPTURED = Topic("textbook.captured.v1", "person key", (), (), ("lead.captured",))
ENRICHED = Topic("textbook.enriched.v1", "lead_id", (), (), ("lead.enriched",))
SCORED = Topic("textbook.scored.v1", "lead_id", (), (), ("lead.scored",))
HANDOVER = Topic("textbook.handover.v1", "lead_id", (), (), ("lead.handover",))
TOPICS = (CAPTURED, ENRICHED, SCORED, HANDOVER)
