"""What comes of a try that can't even begin."""

from __future__ import annotations

from typing import cast

import httpx
import pytest

from services.route.delivering import Delivering
from services.route.store.webhooks import Hook, Message
from shared.database import Pool


@pytest.mark.parametrize("host", ["a..example", f"{'a' * 70}.example"])
async def test_a_host_that_can_be_none_is_a_failed_try_and_not_the_end_of_its_hook(host: str) -> None:
    hook = Hook("hk_0", f"https://{host}/leads", None, ["whsec_YWJjZGVmZ2hpamtsbW5vcA=="])
    message = Message("hk_0", "0f0e7a4e-7c57-4c45-9bd5-e2f6f8e9a0b1", "lead.handover", "ho_1", b"{}", 1)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await Delivering(cast(Pool, None))._ask(hook, message, client)
    assert answer.status == 0
    assert answer.why
