"""Networks whose word is taken for who a client is: fronts that speak for others. Pure."""

import ipaddress

from stentor.base.errors import ConfigurationError

_ADDRESSES_KEPT_MAX = 4_096
FORWARDED_MAX = 20  # addresses in one header that are looked at, from the nearest on


class Trusted:
    """A set of networks; answers are kept, as fronts are few and ask often."""

    def __init__(self, text: str, setting: str) -> None:
        """Read networks with commas between them; raises `ConfigurationError`."""
        self._kept: dict[bytes, bool] = {}
        try:
            self._networks = [
                ipaddress.ip_network(word.strip()) for word in text.split(",") if word.strip()
            ]
        except ValueError as error:
            raise ConfigurationError(f"{setting}: {error}.") from None

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, peer: bytes) -> bool:
        """Say whether a packed address is in one of the networks."""
        if not self._networks or not peer:
            return False
        known = self._kept.get(peer)
        if known is None:
            address = ipaddress.ip_address(peer)
            known = any(address in network for network in self._networks)
            if len(self._kept) < _ADDRESSES_KEPT_MAX:
                self._kept[peer] = known
        return known

    def spoken_for(self, peer: bytes, forwarded_for: str) -> bytes:
        """Return for whom a front speaks: the nearest address in the header that is no front.

        A header from anybody else says nothing (it is not looked at), and what stands left of
        the first stranger is that stranger's word. Raises `ValueError` for what is no address.
        """
        words = [word.strip() for word in forwarded_for.split(",")[-FORWARDED_MAX:]]
        for word in reversed([word for word in words if word]):
            if peer not in self:
                break
            peer = _packed(word)
        return peer


def _packed(text: str) -> bytes:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    address = ipaddress.ip_address(text)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).packed
