//! Who is believed, and what a record gives away.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Lint;
use crate::{ForwardedHeader, SessionAs};

/// The shortest prefixes of networks that proxies on the internet are in. The largest that a
/// content delivery network publishes are /12 and /29.
const WIDEST: (u8, u8) = (12, 29);

impl Lint<'_> {
    pub(super) fn network(&mut self) {
        let settings = self.reading.settings();
        for text in &settings.client.trusted_proxies {
            let Ok(net) = text.trim().parse::<IpNet>() else { continue };
            if is_too_wide(&net) {
                let why = format!(
                    "`{net}` is wider than any proxy's network: every client in it can claim any \
                     address; name the networks of your proxies only"
                );
                self.warn("client.trusted_proxies", why);
            }
        }
        let client = &settings.client;
        if client.trusted_proxies.is_empty() && client.forwarded != ForwardedHeader::default() {
            let why =
                "has no effect without client.trusted_proxies: no forwarded header is believed";
            self.warn("client.forwarded", why);
        }
        let session = &settings.session;
        let unnamed = session.cookie.is_empty() && session.header.is_empty();
        match session.form {
            SessionAs::Clear if !unnamed => self.warn(
                "session.as",
                "`clear`: whoever reads the records can take over sessions; `pseudonym` still tells \
                 which requests belong together",
            ),
            SessionAs::Pseudonym => {}
            _ if unnamed => self.warn("session.as", "has no effect: name session.cookie or session.header"),
            _ => {}
        }
        for (key, file) in
            [("auditor.secret", &settings.auditor.secret), ("trail.key", &settings.trail.key)]
        {
            if file.as_ref().is_some_and(|file| file.starts_with(&settings.trail.dir)) {
                self.warn(
                    key,
                    "lies in the trail: whoever gets a copy of the trail has it too; put it beside",
                );
            }
        }
    }
}

fn is_too_wide(net: &IpNet) -> bool {
    // Networks that no client of the internet is in may be of any size.
    let within = |own: &str| own.parse::<IpNet>().is_ok_and(|own| own.contains(net));
    let own = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "fc00::/7",
    ];
    if own.into_iter().any(within) {
        return false;
    }
    let widest = match net.addr() {
        IpAddr::V4(_) => WIDEST.0,
        IpAddr::V6(_) => WIDEST.1,
    };
    net.prefix_len() < widest
}
