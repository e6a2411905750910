"""Which addresses may be connected to when somebody else named the host."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.kernel.addresses import Addresses
from fhirserver.kernel.outcomes import Refusal

PUBLIC = [
    "93.184.216.34",
    "8.8.8.8",
    "2606:4700:4700::1111",
    "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8",
    "172.32.0.1",
]
INSIDE = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "::1": "loopback",
    "10.1.2.3": "private",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.0.1": "private",
    "fc00::1": "private",
    "fdff::1": "private",
    "fec0::1": "private",
    "169.254.1.1": "link-local",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "100.64.0.1": "shared",
    "100.127.255.254": "shared",
    "198.18.0.1": "benchmarking",
    "192.0.2.1": "documentation",
    "2001:db8::1": "documentation",
    "64:ff9b:1::a00:1": "translated",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:7f00:1": "loopback",
    "64:ff9b::127.0.0.1": "loopback",
    "64:ff9b::a00:1": "private",
    "2606:4700::5efe:a00:1": "private",
}
NOWHERE = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "::": "unspecified",
    "224.0.0.1": "multicast",
    "ff02::1": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "192.88.99.1": "tunnel",
    "2002:7f00:1::": "tunnel",
    "2002:808:808::1": "tunnel",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "tunnel",
    "::7f00:1": "reserved",
    "::808:808": "reserved",
    "4000::1": "reserved",
    "100::1": "reserved",
    "::ffff:0:7f00:1": "reserved",
}
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address):
    assert Addresses().objection(address) is None
    Addresses().check(address)


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_of_the_inside_are_open_only_where_private_ones_are_allowed(address):
    assert INSIDE[address] in (Addresses().objection(address) or "")
    assert Addresses(allow_private=True).objection(address) is None


@pytest.mark.parametrize("address", NOWHERE)
def test_addresses_of_no_single_host_are_never_open(address):
    for addresses in (Addresses(), Addresses(allow_private=True)):
        assert NOWHERE[address] in (addresses.objection(address) or "")


@pytest.mark.parametrize("address", METADATA)
def test_metadata_services_are_open_only_where_they_are_named(address):
    assert "metadata" in (Addresses().objection(address) or "")
    assert "metadata" in (Addresses(allow_private=True).objection(address) or "")
    named = Addresses(
        allowed=frozenset({"169.254.0.0/16", "100.64.0.0/10", "168.63.129.16", "192.0.0.192/32", "fd00::/8"})
    )
    assert named.objection(address) is None


def test_networks_that_are_named_are_open_and_no_others():
    addresses = Addresses(allowed=frozenset({"10.0.0.0/24", "fd12::/16"}))
    assert addresses.objection("10.0.0.9") is None
    assert addresses.objection("::ffff:10.0.0.9") is None
    assert addresses.objection("fd12::9") is None
    assert addresses.objection("10.0.1.9") is not None
    assert addresses.objection("127.0.0.1") is not None


def test_to_be_told_off_names_the_kind_and_not_the_address():
    with pytest.raises(Refusal) as told:
        Addresses().check("10.11.12.13")
    assert "private" in str(told.value) and "10.11" not in str(told.value)


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "localhost", "10.0.0.0/33", ""])
def test_what_is_no_network_is_refused_when_settings_are_read(wrong):
    with pytest.raises(ValueError, match="network"):
        Addresses(allowed=frozenset({wrong}))


@pytest.mark.parametrize("wrong", ["", "localhost", "1.2.3", "010.0.0.1", "0x7f.1", "2130706433", "[::1]"])
def test_what_is_no_address_is_never_open(wrong):
    assert Addresses(allow_private=True).objection(wrong) is not None


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_clothes_is_what_it_is_without(address):
    addresses, number = Addresses(), int(address)
    bare = addresses.objection(address)
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        assert addresses.objection(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + number)) == bare


@given(st.ip_addresses())
def test_whatever_python_calls_not_global_is_not_open(address):
    if not address.is_global and not getattr(address, "ipv4_mapped", None):
        assert Addresses().objection(address) is not None
