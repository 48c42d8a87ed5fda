//! A caller's address: that of the connection, or what a configured proxy says.
//!
//! What must hold: nobody but a configured proxy can choose the address that is counted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};

/// How many bits of an IPv6 address a provider leaves to one customer at least.
const IPV6_NETWORK_BITS: u32 = 64;

/// A network of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// A text that is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address with how many of its bits count, as 10.0.0.0/8, or an address, as ::1")]
pub struct InvalidNetwork;

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| InvalidNetwork)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        if bits <= all { Ok(Self { address: first(address, bits), bits }) } else { Err(InvalidNetwork) }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && first(address, self.bits) == self.address
    }
}

/// Returns the first address of the network of an address.
fn first(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or_default();
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or_default();
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

/// Finds the addresses of callers. A clone is the same.
#[derive(Debug, Clone)]
pub struct ClientAddress {
    proxies: Arc<[Network]>,
}

impl ClientAddress {
    /// Returns what believes these proxies.
    pub fn new(proxies: Vec<Network>) -> Self {
        Self { proxies: proxies.into() }
    }

    /// Returns the address of a request's caller; of IPv6, that of the caller's network.
    pub(super) fn network_of<T>(&self, request: &Request<T>) -> IpAddr {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip().to_canonical());
        match self.of(peer, request.headers()) {
            address @ IpAddr::V4(_) => address,
            address @ IpAddr::V6(_) => first(address, IPV6_NETWORK_BITS),
        }
    }

    /// Returns the last address in `x-forwarded-for` that is no proxy's; each proxy has added whom it was asked by.
    fn of(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let mut forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut address = peer;
        while self.proxies.iter().any(|proxy| proxy.contains(address)) {
            let Some(Ok(before)) = forwarded.pop().map(str::parse::<IpAddr>) else { break };
            address = before.to_canonical();
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_configured_proxies_choose_the_address() {
        let addresses = ClientAddress::new(vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()]);
        for (peer, forwarded, expected) in [
            ("192.0.2.1", "", "192.0.2.1"),
            ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
            ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
            ("10.1.2.3", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
            ("10.1.2.3", "198.51.100.1, 10.9.9.9", "198.51.100.1"),
            ("10.1.2.3", "nonsense", "10.1.2.3"),
            ("10.1.2.3", "", "10.1.2.3"),
            ("::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8::1", "198.51.100.1", "2001:db8::"),
        ] {
            let mut request = Request::new(());
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
            request.headers_mut().insert("x-forwarded-for", forwarded.parse().unwrap());
            assert_eq!(addresses.network_of(&request).to_string(), expected, "{peer} {forwarded}");
        }
    }

    #[test]
    fn a_network_is_an_address_with_bits() {
        for bad in ["10.0.0.0/33", "::/129", "10.0.0/8", "", "10.0.0.0/x"] {
            assert_eq!(bad.parse::<Network>(), Err(InvalidNetwork), "{bad}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("192.0.2.1".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
    }
}
