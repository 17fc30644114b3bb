import hmac

from hypothesis import given
from hypothesis import strategies as st

from stentor.admission.keyed import Keyed


@given(st.binary(max_size=200), st.lists(st.binary(max_size=200), max_size=4))
def test_it_is_hmac_sha_256_for_every_key_and_however_often_it_is_asked(
    key: bytes, said: list[bytes]
) -> None:
    keyed = Keyed(key)
    for data in said + said:
        assert keyed.digest(data) == hmac.digest(key, data, "sha256")
