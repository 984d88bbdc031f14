import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creators.media.rtmp import amf
from creators.media.rtmp.malformed import Malformed
from tests.creators.media.rtmp import encoder

values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=4)
        | st.lists(inner, max_size=4)
    ),
    max_leaves=12,
)


def test_commands_of_encoders_are_read():
    said = encoder.amf("connect", 1, {"app": "live", "fpad": False, "audioCodecs": 3191.0}, None)

    assert amf.decode(said) == [
        "connect",
        1.0,
        {"app": "live", "fpad": False, "audioCodecs": 3191.0},
        None,
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b"\x08\0\0\0\x01\0\x01a\x05\0\0\x09", {"a": None}),
        (b"\x0a\0\0\0\x02\x05\x01\x01", [None, True]),
        (b"\x0b" + struct.pack(">d", 5.0) + b"\0\0", 5.0),
        (b"\x0c\0\0\0\x02hi", "hi"),
        (b"\x06", None),
        (b"\x0d", None),
        (b"\x0f\0\0\0\x02<>", "<>"),
        (b"\x10\0\x01C\0\x01a\x05\0\0\x09", {"a": None}),
        (b"\x02\0\x01\xff", "�"),
    ],
)
def test_every_type_of_value_is_read(written, meant):
    assert amf.decode(written) == [meant]


@given(st.lists(values, max_size=4))
def test_what_is_written_is_read_as_it_was(wanted):
    assert amf.decode(amf.encode(*wanted)) == wanted


@given(st.binary(max_size=200))
def test_other_bytes_are_malformed_or_values(data):
    try:
        amf.decode(data)
    except Malformed:
        return


@pytest.mark.parametrize(
    "written",
    [
        b"\x0a\0\0\0\x01" * 2000,
        b"\x03\0\x01a" * 2000,
        b"\x0a\xff\xff\xff\xff",
        b"\x05" * 600,
        b"\x0c\xff\xff\xff\xff",
        b"\x07\0\x01",
        b"\x11\0",
    ],
    ids=["deep arrays", "deep objects", "long array", "many", "long text", "reference", "amf3"],
)
def test_too_much_is_malformed(written):
    with pytest.raises(Malformed):
        amf.decode(written)


def test_nothing_but_plain_values_is_written():
    with pytest.raises(TypeError):
        amf.encode(object())
