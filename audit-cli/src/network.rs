//! Addresses and networks, as `--ip` takes them.

use std::{net::IpAddr, str::FromStr};

/// One address, or all that share its first bits: `192.0.2.10`, `192.0.2.0/24`, `2001:db8::/32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "expected an address (`192.0.2.10`, `2001:db8::1`) or a network (`192.0.2.0/24`)"
                .to_owned()
        };
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let address = if prefix.is_none() { address.to_canonical() } else { address };
        let width = bits(address).1;
        let prefix = match prefix {
            None => width,
            Some(p) if p.len() > 3 || !p.bytes().all(|b| b.is_ascii_digit()) => return Err(wrong()),
            Some(p) => p.parse().ok().filter(|p| *p <= width).ok_or_else(wrong)?,
        };
        Ok(Self { address, prefix })
    }
}

impl Network {
    /// Whether an address, as recorded, is in it. An IPv4 address that came through an IPv6 socket
    /// (`::ffff:192.0.2.10`) is the same. Of an address that was shortened to its network, whether
    /// it may be.
    pub(crate) fn contains(&self, recorded: &str) -> bool {
        let Ok(recorded) = recorded.parse::<Self>() else {
            return false;
        };
        let ((mine, width), (other, other_width)) = (bits(self.address), bits(recorded.address));
        let prefix = self.prefix.min(recorded.prefix);
        width == other_width
            && (mine ^ other).checked_shr(width - prefix).is_none_or(|differ| differ == 0)
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_network() {
        let has = |network: &str, ip: &str| network.parse::<Network>().unwrap().contains(ip);
        assert!(has("192.0.2.10", "192.0.2.10"));
        assert!(!has("192.0.2.10", "192.0.2.11"));
        assert!(has("192.0.2.0/24", "192.0.2.255"));
        assert!(!has("192.0.2.0/24", "192.0.3.0"));
        assert!(has("192.0.2.77/24", "192.0.2.1"));
        assert!(has("0.0.0.0/0", "203.0.113.9"));
        assert!(has("::/0", "2001:db8::1"));
        assert!(has("2001:db8::/32", "2001:db8:1::1"));
        assert!(has("192.0.2.10", "::ffff:192.0.2.10"));
        assert!(!has("::/0", "192.0.2.10"));
        assert!(!has("192.0.2.0/24", "unknown"));
        // Recorded with `client_ip` set to prefixes.
        assert!(has("192.0.2.10", "192.0.2.0/24"));
        assert!(has("192.0.0.0/16", "192.0.2.0/24"));
        assert!(has("2001:db8::/32", "2001:db8:1::/48"));
        assert!(!has("192.0.3.0/24", "192.0.2.0/24"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "ann", "192.0.2", "192.0.2.0/33", "192.0.2.0/", "::/129", "1.2.3.4/+8"] {
            assert!(text.parse::<Network>().unwrap_err().contains("192.0.2.0/24"), "{text}");
        }
    }
}
