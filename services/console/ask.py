"""Asks the services over HTTP for the command line, and says in one sentence what went wrong. Knows no command."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from services.console.where import Trouble, Where

_TIMEOUT_SECONDS = 15.0
_COMMAND_SECONDS = 30.0


class Ask:
    """One client for all services, with the operator's token."""

    def __init__(self, where: Where) -> None:
        self.where = where
        # No connection is kept: a command asks little, and ends without a word to its client.
        no_idling = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(trust_env=False, timeout=_TIMEOUT_SECONDS, follow_redirects=True, limits=no_idling)

    def get(self, service: str, path: str, /, **query: str | int | bool | None) -> Any:
        """The answer's JSON. Raises Trouble for anything but 2xx."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", service, path, params=given)

    def find(self, service: str, path: str) -> Any | None:
        """As `get`, but None for 404."""
        response = self._send("GET", service, path)
        return None if response.status_code == 404 else _checked(service, response)

    def export(self, service: str, path: str, /, **query: str | int) -> tuple[bytes, str]:
        """A page of an export as it comes, and the cursor of the next one. Raises Trouble for anything but 2xx."""
        response = self._send("GET", service, path, params=query)
        if not response.is_success:
            raise Trouble(explained(service, response))
        return response.content, response.headers.get("Next-Since", "")

    def post(self, service: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON, None where it is empty. Raises Trouble for anything but 2xx."""
        return self._ask("POST", service, path, json=body)

    def command(self, service: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Posts a command and waits until it is carried out: `{"command_id", "status", "result", "reason"}`. Raises Trouble when it is
        refused, with the reason, or not done in time."""
        given = {name: value for name, value in body.items() if value is not None}
        command_id = str(self.post(service, path, given)["command_id"])
        until = time.monotonic() + _COMMAND_SECONDS
        while True:
            said = self.get(service, f"/v1/commands/{command_id}")
            if said["status"] == "refused":
                raise Trouble(f"{service} refused: {said['reason']}.")
            if said["status"] == "done":
                return {"command_id": command_id, **said}
            if time.monotonic() > until:
                raise Trouble(
                    f"{service} has not done it in {_COMMAND_SECONDS:.0f} s; it may still. GET /v1/commands/{command_id} tells. Look at `leads status`."
                )
            time.sleep(0.1)

    def lines(
        self, service: str, path: str, body: Mapping[str, Any] | None = None, *, seconds: float
    ) -> Iterator[dict[str, Any]]:
        """Posts, or gets where there is no body, and gives the answer's lines of JSON as they come, for so long at most. Raises Trouble for anything but 2xx, and when it breaks off."""
        headers = {"Authorization": f"Bearer {self.where.token}"}
        url, method = self.where.url(service) + path, "GET" if body is None else "POST"
        try:
            with self._client.stream(method, url, json=body, headers=headers, timeout=seconds) as response:
                if not response.is_success:
                    response.read()
                yield from map(json.loads, _checked_lines(service, response))
        except httpx.HTTPError as error:
            raise Trouble(
                f"{service} broke off ({type(error).__name__}). Look at `leads status`, then try again."
            ) from None

    def put(self, service: str, path: str, body: Mapping[str, Any]) -> Any:
        """As `post`."""
        return self._ask("PUT", service, path, json=body)

    def patch(self, service: str, path: str, body: Mapping[str, Any]) -> Any:
        """As `post`."""
        return self._ask("PATCH", service, path, json=body)

    def delete(self, service: str, path: str) -> Any:
        """As `post`."""
        return self._ask("DELETE", service, path)

    def _ask(self, method: str, service: str, path: str, **more: Any) -> Any:
        return _checked(service, self._send(method, service, path, **more))

    def _send(self, method: str, service: str, path: str, **more: Any) -> httpx.Response:
        url = self.where.url(service)
        headers = {"Authorization": f"Bearer {self.where.token}"}
        return send(self._client, method, service, url + path, headers=headers, **more)


def send(client: httpx.Client, method: str, service: str, url: str, **more: Any) -> httpx.Response:
    """One request. Raises Trouble when nobody answers."""
    try:
        return client.request(method, url, **more)
    except httpx.TimeoutException:
        message = f"{service} gave no answer in {_TIMEOUT_SECONDS:.0f} s at {url.partition('?')[0]}. Look at `leads status` and its log."
        raise Trouble(message) from None
    except httpx.HTTPError as error:
        message = f"{service} does not answer at {url.partition('?')[0]} ({type(error).__name__}). Look at `leads status`, or start it with `leads up`."
        raise Trouble(message) from None


def explained(service: str, response: httpx.Response) -> str:
    """An answer that is no success, as one sentence with the places that are wrong."""
    if response.status_code == 401 and response.request.headers.get("Authorization", "").startswith("Bearer "):
        return f"{service} does not take this operator's token. `leads status --json` shows the local stack's; LEADFLOW_TOKEN comes before it."
    try:
        problem = response.json()
        said = str(problem.get("detail") or problem.get("title") or "")
        errors = problem.get("errors") or ()
    except (ValueError, AttributeError):
        said, errors = "", ()
    places = "; ".join(f"{one.get('pointer') or '/'}: {one.get('detail')}" for one in errors if isinstance(one, dict))
    return (
        f"{service} answered {response.status_code}: {said or response.reason_phrase}{f' ({places})' if places else ''}"
    )


def _checked_lines(service: str, response: httpx.Response) -> Iterator[str]:
    if not response.is_success:
        raise Trouble(explained(service, response))
    return response.iter_lines()


def _checked(service: str, response: httpx.Response) -> Any:
    if not response.is_success:
        raise Trouble(explained(service, response))
    return response.json() if response.content else None
