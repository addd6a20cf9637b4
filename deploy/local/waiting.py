"""Waits until what was started answers, and tells which did not, with the end of its log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import httpx

from deploy.local import supervisor
from deploy.local.layout import Layout, SetupError

Check = Callable[[], Awaitable[bool]]
_CRASHES = 3  # a program that was started anew so often while it was waited for will not answer


async def until(stack: Layout, checks: Mapping[str, Check], timeout_seconds: float) -> None:
    """Returns when every program's check is true; SetupError after the time-out, or when one keeps crashing."""
    started: dict[str, set[int]] = {name: set() for name in checks}
    waiting = dict(checks)
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    while waiting:
        results = await asyncio.gather(*(check() for check in waiting.values()))
        waiting = {name: check for (name, check), ready in zip(waiting.items(), results, strict=True) if not ready}
        found = supervisor.processes(stack)
        for name in waiting:
            process = found.get(name)
            if process is None or process.state in ("FATAL", "STOPPED", "UNKNOWN"):
                raise SetupError(_told(stack, name, "does not run"))
            started[name].add(process.pid)
            if len(started[name] - {0}) > _CRASHES:
                raise SetupError(_told(stack, name, "ends by itself again and again"))
        if waiting and asyncio.get_running_loop().time() > deadline:
            raise SetupError(
                "\n".join(_told(stack, name, f"gave no answer in {timeout_seconds:.0f} s") for name in waiting)
            )
        await asyncio.sleep(0.2)


async def is_ready(address: str) -> bool:
    """Whether a service says that it is ready."""
    try:
        # Plain HTTP on the loopback address: without the 30 ms of loading certificates for each question.
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=2) as client:
            return (await client.get(f"{address}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


def _told(stack: Layout, program: str, what: str) -> str:
    file = supervisor.log_file(stack, program)
    lines = file.read_text(errors="replace").splitlines()[-15:] if file.exists() else []
    return "\n  ".join([f"{program} {what}. The end of its log, {file}:", *(lines or ["(empty)"])])
