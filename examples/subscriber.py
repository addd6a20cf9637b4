"""Prints handovers as they come. Any Kafka client will do; read_committed is what makes each of them come once."""

import asyncio
import json
import os

from aiokafka import AIOKafkaConsumer


async def main() -> None:
    handovers = AIOKafkaConsumer(
        "leads.handover.v1",
        bootstrap_servers=os.environ.get("LEADFLOW_KAFKA", "127.0.0.1:19092"),
        group_id="my-sales-tool",
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with handovers:
        async for record in handovers:
            if dict(record.headers)["ce_type"] == b"lead.handover":
                lead = json.loads(record.value)
                email, score = lead["profile"].get("email", {}).get("address"), lead["score"]["total"]
                print(f"{lead['owner']['name']}, call {email}: {score:g} points ({lead['handover_id']})", flush=True)
            await handovers.commit()  # after the work is done: who dies before gets it again, with the same handover_id


asyncio.run(main())
