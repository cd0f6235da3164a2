from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.process import control_client


def test_only_the_nonce_gives_the_proof() -> None:
    challenge = control_client.new_challenge()

    assert control_client.prove("a", challenge) == control_client.prove("a", challenge)
    assert control_client.prove("a", challenge) != control_client.prove("b", challenge)
    assert control_client.prove("a", challenge) != control_client.prove("a", control_client.new_challenge())


def test_the_proof_is_hmac_sha256() -> None:
    # RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert control_client.prove("Jefe", "what do ya want for nothing?") == expected


def test_challenges_are_fresh_and_may_be_answered() -> None:
    challenges = {control_client.new_challenge() for _ in range(100)}

    assert len(challenges) == 100
    assert all(control_client.is_challenge(challenge) for challenge in challenges)


def test_odd_challenges_are_not_answered() -> None:
    for challenge in ("", "ab" * 15, "ab" * 65, "G" * 32, "AB" * 16, "ab" * 16 + "\n", "ab" * 15 + "é1"):
        assert not control_client.is_challenge(challenge)


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_secrets_are_the_same_only_if_equal(given_text: str) -> None:
    assert control_client.same(given_text, "secret") == (given_text == "secret")


def test_half_a_character_is_another_secret() -> None:
    """JSON can hold what UTF-8 cannot: a stranger on a reused port may answer with it."""
    assert not control_client.same("\ud800", "secret")
