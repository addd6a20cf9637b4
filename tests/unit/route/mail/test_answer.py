"""What a server's answer means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.route.domain.mail.answer import TRIES, WAITS, At, Reply, State, judge, status_in

REPLIES = st.builds(
    Reply,
    st.sampled_from(At),
    st.sampled_from([0, 250, 354, 421, 450, 500, 550, 554]),
    status=st.sampled_from(["", "5.1.1", "5.7.1", "4.2.0"]),
)


@given(REPLIES, st.integers(1, TRIES), st.floats(0, 1))
def test_nothing_that_may_have_been_taken_is_tried_again(reply: Reply, tries: int, chance: float) -> None:
    verdict = judge(reply, tries, chance=chance)
    if verdict.state is State.WAITING:
        assert reply.at is not At.CONTENT or reply.code >= 300
        assert 0 < verdict.wait_seconds <= WAITS[-1] * 1.1
    if reply.at is At.CONTENT and reply.code == 0:
        assert verdict.state is State.UNKNOWN
    if verdict.bounced:
        assert (reply.at, reply.code // 100) == (At.RECIPIENT, 5)
    assert (verdict.state is State.SENT) == (reply.at is At.CONTENT and reply.code == 250)


@pytest.mark.parametrize("at", [At.CONNECTING, At.SENDER, At.RECIPIENT])
def test_a_silence_before_the_content_is_tried_again_and_ends(at: At) -> None:
    assert judge(Reply(at, 0), 1, chance=0).state is State.WAITING
    assert judge(Reply(at, 0), TRIES, chance=0).state is State.FAILED


def test_a_server_that_does_not_let_us_in_says_nothing_of_the_mail() -> None:
    assert judge(Reply(At.CONNECTING, 535), 1, chance=0).state is State.WAITING


@pytest.mark.parametrize(
    ("code", "status", "dead"),
    [(550, "", True), (550, "5.0.0", True), (550, "5.1.1", True), (550, "5.2.1", True), (553, "5.1.3", True), (554, "", False), (550, "5.7.1", False), (552, "5.2.2", False), (550, "5.1.8", False)],
)  # fmt: skip
def test_only_what_is_said_of_the_address_makes_it_dead(code: int, status: str, dead: bool) -> None:
    assert judge(Reply(At.RECIPIENT, code, status=status), 1, chance=0).bounced is dead
    assert judge(Reply(At.CONTENT, code, status=status), 1, chance=0).bounced is False


def test_a_status_is_found_in_what_a_server_wrote() -> None:
    assert [status_in(text) for text in ("5.1.1 <jo@acme.example>: no", "no such user", "id 15.1.1")] == [
        "5.1.1",
        "",
        "",
    ]
