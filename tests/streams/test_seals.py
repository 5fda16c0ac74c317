"""Seals of orders: what is believed, and what a change of key, place or content does to that."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.command import COMMAND_BYTES_MAX, COMMAND_KEY
from streams.contracts.seals import DEVELOPMENT, SEAL_BYTES_MAX, Place, Seals, Unproven

OLD, NEW, OTHER = (bytes([letter]) * 32 for letter in b"abc")
ORDER = b'{"kind": "discharge",\n "patient": "bed-1"}'

contents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(content=contents, place=st.tuples(st.integers(0, 1023), st.integers(0, 2**62)), escaped=st.booleans())
def test_what_was_sealed_comes_out_byte_for_byte(content, place, escaped):
    said = json.dumps({"said": content}, ensure_ascii=escaped, indent=1).encode(errors="surrogatepass")
    try:
        said.decode()
    except UnicodeDecodeError:
        return  # no JSON, which the commands agent refuses
    sealed = DEVELOPMENT.seal(COMMAND_KEY, Place(*place), b" \n" + said + b"\t ")
    assert DEVELOPMENT.opened(COMMAND_KEY, sealed) == (Place(*place), said)
    assert len(sealed) <= len(said) + SEAL_BYTES_MAX


def test_a_record_that_was_sealed_with_the_key_before_is_believed_and_new_ones_are_sealed_with_the_new_key():
    before, both, after = Seals([OLD]), Seals([NEW, OLD]), Seals([NEW])
    place = Place(3, 17)
    assert both.opened(COMMAND_KEY, before.seal(COMMAND_KEY, place, ORDER)) == (place, ORDER)
    assert after.opened(COMMAND_KEY, both.seal(COMMAND_KEY, place, ORDER)) == (place, ORDER)


SEALED = Seals([NEW]).seal(COMMAND_KEY, Place(3, 17), ORDER)
ALTERED = {
    "as it came": ORDER,
    "empty": b"",
    "no JSON": SEALED[:-1],
    "no UTF-8": SEALED.replace(b"bed-1", b"\xff"),
    "another content": SEALED.replace(b"bed-1", b"bed-2"),
    "another partition": SEALED.replace(b'"partition":3', b'"partition":4'),
    "another offset": SEALED.replace(b'"offset":17', b'"offset":1'),
    "something more": SEALED[:-1] + b',"more":1}',
    "another key": Seals([OTHER]).seal(COMMAND_KEY, Place(3, 17), ORDER),
    "for another kind of record": Seals([NEW]).seal(b"~ward", Place(3, 17), ORDER),
    "a seal of another script": SEALED.replace(b'"seal":"', '"seal":"\u00fc'.encode()),
}


@pytest.mark.parametrize("how", ALTERED)
def test_what_was_not_sealed_just_so_is_not_believed(how):
    assert Seals([NEW]).opened(COMMAND_KEY, SEALED)
    with pytest.raises(Unproven):
        Seals([NEW]).opened(COMMAND_KEY, ALTERED[how])


def test_the_largest_command_fits_into_a_sealed_one():
    content = b'"%s"' % (b"x" * (COMMAND_BYTES_MAX - 2))
    assert (
        len(DEVELOPMENT.seal(COMMAND_KEY, Place(1023, 2**63 - 1), content))
        <= COMMAND_BYTES_MAX + SEAL_BYTES_MAX
    )
