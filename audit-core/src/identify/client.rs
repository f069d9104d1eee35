//! The client's address: the socket's peer, or, behind trusted proxies, what they forwarded.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;

/// The proxies whose forwarded headers are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

/// Which header the trusted proxies write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// How much of the client's address is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientIp {
    /// All of it.
    #[default]
    Full,
    /// The network it is in, such as `192.0.2.0/24` (IPv6: /48); forwarded hops likewise, and
    /// those that are no address as `unknown`. Headers that tell the client's address are
    /// redacted.
    Prefix,
    /// Nothing, and nothing of forwarded hops. Headers that tell the client's address are
    /// redacted.
    None,
}

impl ClientIp {
    /// Every form.
    pub const ALL: &'static [Self] = &[Self::Full, Self::Prefix, Self::None];

    /// The spelling used in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Prefix => "prefix",
            Self::None => "none",
        }
    }

    /// The address as it is recorded.
    pub(crate) fn shown(self, ip: IpAddr) -> Option<String> {
        let ip = ip.to_canonical();
        match self {
            Self::Full => Some(ip.to_string()),
            Self::Prefix => {
                let length = if ip.is_ipv4() { 24 } else { 48 };
                Some(IpNet::new(ip, length).ok()?.trunc().to_string())
            }
            Self::None => None,
        }
    }
}

/// Whether a header, in lower case, is one in which proxies tell the client's address.
pub(crate) fn tells_address(header: &str) -> bool {
    const KNOWN: [&str; 12] = [
        "x-forwarded-for",
        "forwarded",
        "x-real-ip",
        "x-client-ip",
        "client-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "cf-connecting-ipv6",
        "fastly-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "x-envoy-external-address",
    ];
    KNOWN.contains(&header)
}

/// A text that is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IP address or a network such as 10.0.0.0/8")]
pub struct BadProxy(String);

impl TrustedProxies {
    /// From addresses and networks.
    ///
    /// # Errors
    ///
    /// The first text that is neither.
    pub fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, BadProxy> {
        let parse = |text: T| {
            let text = text.as_ref().trim();
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| BadProxy(text.to_owned()))
        };
        Ok(Self(texts.into_iter().map(parse).collect::<Result<_, _>>()?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn trusts(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&ip))
    }

    /// The rightmost address that is not a trusted proxy. `hops` are the forwarded elements from
    /// the nearest (rightmost) to the farthest. A hop that cannot be read ends the walk: what is
    /// left of it was written by something unknown.
    pub(crate) fn client<'a>(
        &self,
        peer: IpAddr,
        hops: impl Iterator<Item = &'a str>,
        header: ForwardedHeader,
    ) -> IpAddr {
        let mut client = peer.to_canonical();
        for hop in hops {
            if !self.trusts(client) {
                break;
            }
            match header.address(hop) {
                Some(ip) => client = ip.to_canonical(),
                None => break,
            }
        }
        client
    }
}

impl ForwardedHeader {
    /// The name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The address in one element of the header.
    pub(crate) fn address(self, element: &str) -> Option<IpAddr> {
        let node = match self {
            Self::XForwardedFor => element.trim(),
            Self::Forwarded => element.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then_some(value.trim().trim_matches('"'))
            })?,
        };
        // With or without a port, IPv6 with or without brackets.
        IpAddr::from_str(node)
            .ok()
            .or_else(|| SocketAddr::from_str(node).ok().map(|a| a.ip()))
            .or_else(|| node.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, header: ForwardedHeader, line: &str) -> String {
        let trusted = TrustedProxies::new(trusted).unwrap();
        trusted.client(peer.parse().unwrap(), line.rsplit(','), header).to_string()
    }

    #[test]
    fn without_trusted_proxies_it_is_the_peer() {
        let line = "127.0.0.1, 10.0.0.1";
        assert_eq!(client(&[], "192.0.2.1", ForwardedHeader::XForwardedFor, line), "192.0.2.1");
    }

    #[test]
    fn the_rightmost_untrusted_hop_wins() {
        let xff = ForwardedHeader::XForwardedFor;
        let trusted = &["127.0.0.1", "10.0.0.0/8"];
        assert_eq!(client(trusted, "127.0.0.1", xff, "1.1.1.1, 203.0.113.9"), "203.0.113.9");
        assert_eq!(
            client(trusted, "127.0.0.1", xff, "1.1.1.1, 203.0.113.9, 10.2.3.4"),
            "203.0.113.9"
        );
        assert_eq!(client(trusted, "::ffff:127.0.0.1", xff, "203.0.113.9:4711"), "203.0.113.9");
        assert_eq!(client(trusted, "127.0.0.1", xff, "[2001:db8::1]:80"), "2001:db8::1");
        // All hops trusted: the farthest known.
        assert_eq!(client(trusted, "127.0.0.1", xff, "10.0.0.1, 10.0.0.2"), "10.0.0.1");
    }

    #[test]
    fn an_unreadable_hop_ends_the_walk() {
        let xff = ForwardedHeader::XForwardedFor;
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", xff, "1.1.1.1, nonsense"), "127.0.0.1");
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", xff, ""), "127.0.0.1");
    }

    #[test]
    fn rfc_7239_is_read() {
        let line = r#"for=1.1.1.1, proto=https;For="[2001:db8::17]:4711";by=x"#;
        let forwarded = ForwardedHeader::Forwarded;
        assert_eq!(client(&["::1"], "::1", forwarded, line), "2001:db8::17");
        assert_eq!(client(&["::1"], "::1", forwarded, "for=_hidden"), "::1");
    }

    #[test]
    fn an_address_is_shown_as_asked() {
        let shown = |form: ClientIp, ip: &str| form.shown(ip.parse().unwrap());
        for (ip, full, prefix) in [
            ("192.0.2.10", "192.0.2.10", "192.0.2.0/24"),
            ("::ffff:192.0.2.10", "192.0.2.10", "192.0.2.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1:2::3", "2001:db8:1::/48"),
        ] {
            assert_eq!(shown(ClientIp::Full, ip).as_deref(), Some(full));
            assert_eq!(shown(ClientIp::Prefix, ip).as_deref(), Some(prefix));
            assert_eq!(shown(ClientIp::None, ip), None);
        }
    }

    #[test]
    fn a_wrong_network_is_named() {
        let error = TrustedProxies::new(["10.0.0.0/33"]).unwrap_err().to_string();
        assert!(error.contains("`10.0.0.0/33`"), "{error}");
    }
}
