//! Who may call?
//!
//! Whoever shows an API key. The settings hold only the SHA-256 of each key,
//! so that reading the settings does not open the door. A program sends the
//! key as `X-API-Key` or `Authorization: Bearer`; a browser asks its user and
//! sends it as the password of HTTP Basic (RFC 7617), any user name.
//!
//! With no key configured, only this machine may call. A loopback peer is not
//! enough for that: a web page can point its own name at 127.0.0.1 and read
//! the answers (DNS rebinding), and a proxy on this machine may speak for
//! somebody elsewhere. So the request must also be addressed to this machine,
//! and must not have been forwarded.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, FORWARDED, HOST, VIA};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};

use super::AppState;
use super::problem::Problem;
use super::visit::Visit;
use crate::error::{Error, ErrorKind, Result};

mod basic;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What proxies add to a request they pass on.
const PASSED_ON: [HeaderName; 5] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// How to make the digest of a key.
const DIGEST_HINT: &str = "write 64 hexadecimal digits: printf %s \"$KEY\" | sha256sum";

/// The SHA-256 of every key that may call.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<[u8; 32]>);

impl Keys {
    /// Reads digests as the settings write them, 64 hexadecimal digits each.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] that says which entry is not a digest of a key. The
    /// entry itself is not repeated: it may be a key put there by mistake.
    pub fn parse(digests: &[String]) -> Result<Self> {
        // What the command of the hint prints when $KEY is not set. Accepted,
        // it would open the door to whoever shows an empty key.
        let nothing: [u8; 32] = Sha256::digest(b"").into();
        let parsed = digests.iter().enumerate().map(|(index, text)| {
            let refused = |what: &str| {
                let words = format!("serve.api_keys: entry {} is {what}", index + 1);
                Err(Error::new(ErrorKind::Usage, words).hint(DIGEST_HINT))
            };
            match digest(text.trim()) {
                Some(digest) if digest == nothing => refused("the SHA-256 of an empty key"),
                Some(digest) => Ok(digest),
                None => refused("not a SHA-256"),
            }
        });
        parsed.collect::<Result<_>>().map(Self)
    }

    /// Whether no key is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `key` is one of the keys. Every digest is compared to its end,
    /// so that the time it takes tells nothing.
    #[must_use]
    pub fn accept(&self, key: &str) -> bool {
        let shown: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let differs = |known: &[u8; 32]| {
            known
                .iter()
                .zip(&shown)
                .fold(0, |differs, (a, b)| std::hint::black_box(differs | (a ^ b)))
        };
        self.0.iter().fold(false, |found, known| found | (differs(known) == 0))
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    super::cursor::from_hex(text)
        .filter(|given| given.len() == bytes.len())
        .map(|given| bytes.copy_from_slice(&given))?;
    Some(bytes)
}

/// Refuses to be reachable from other machines without a key.
///
/// # Errors
///
/// [`ErrorKind::Usage`] with what to do instead.
pub fn check_exposure(addresses: &[SocketAddr], keys: &Keys) -> Result<()> {
    match addresses.iter().find(|address| !is_loopback(address.ip())) {
        Some(address) if keys.is_empty() => Err(Error::new(
            ErrorKind::Usage,
            format!("{address} can be reached from other machines, and no API key is configured"),
        )
        .hint("put the SHA-256 of a key into serve.api_keys: printf %s \"$KEY\" | sha256sum")
        .hint("or listen on this machine only: --listen 127.0.0.1:8080")),
        _ => Ok(()),
    }
}

/// Lets a request pass, or answers it with 401.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match check(&request, state.keys()) {
        Ok(()) => next.run(request).await,
        Err(error) => {
            let visit = Visit::new(request.uri(), request.headers(), state.tenure().language());
            Problem::from(error).answer(&visit)
        }
    }
}

fn check(request: &Request, keys: &Keys) -> Result<()> {
    let refused = |words: &str| Error::new(ErrorKind::Unauthorized, words);
    if keys.is_empty() {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let local = peer.is_some_and(|ConnectInfo(peer)| is_loopback(peer.ip()))
            && is_addressed_here(request.headers())
            && !PASSED_ON.iter().any(|name| request.headers().contains_key(name));
        return match local {
            true => Ok(()),
            false => Err(refused("no API key is configured, so only this machine may call")
                .hint("put the SHA-256 of a key into serve.api_keys")),
        };
    }
    match shown(request.headers()) {
        Some(key) if keys.accept(&key) => Ok(()),
        Some(_) => Err(refused("the API key is not one of those configured")),
        None => Err(refused("no API key was sent")
            .hint("send it as X-API-Key, or as Authorization: Bearer KEY")
            .hint("in a browser, give it as the password of any user name")),
    }
}

/// The key a request shows.
fn shown(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get(API_KEY) {
        return key.to_str().ok().map(str::to_owned);
    }
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    match scheme {
        _ if scheme.eq_ignore_ascii_case("bearer") => Some(credentials.trim().to_owned()),
        _ if scheme.eq_ignore_ascii_case("basic") => basic::password(credentials.trim()),
        _ => None,
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// Whether the caller asked for this machine by a name that can be no other.
fn is_addressed_here(headers: &HeaderMap) -> bool {
    // Browsers always say whom they address; tools of old that do not are
    // nobody a web page could steer.
    let Some(host) = headers.get(HOST) else { return true };
    let Some(authority) = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()) else {
        return false;
    };
    let name = authority.host().trim_matches(['[', ']']);
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(peer: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 9)));
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request
    }

    fn keys() -> Keys {
        // printf %s open | sha256sum
        let digest = "e4bc7b36dfc17b8dfef2d1d8a40a4ef10efd5a4da2ef0e1be2e0fd1a9a4d5a7d";
        assert!(Keys::parse(&[digest.to_owned()]).is_ok());
        let digest: String = Sha256::digest("open").iter().map(|b| format!("{b:02X}")).collect();
        Keys::parse(&[digest]).unwrap()
    }

    #[test]
    fn a_key_is_accepted_in_every_form_and_no_other_key_is() {
        for (name, value) in [
            ("x-api-key", "open"),
            ("authorization", "Bearer open"),
            ("authorization", "bearer open"),
            ("authorization", "Basic YW55Ym9keTpvcGVu"),
        ] {
            assert!(check(&request("10.0.0.1", &[(name, value)]), &keys()).is_ok(), "{value}");
        }
        for (name, value) in [
            ("x-api-key", "Open"),
            ("x-api-key", ""),
            ("authorization", "open"),
            ("authorization", "Digest open"),
            ("authorization", "Basic b3Blbg=="),
        ] {
            assert!(check(&request("127.0.0.1", &[(name, value)]), &keys()).is_err(), "{value}");
        }
        assert!(check(&request("127.0.0.1", &[]), &keys()).is_err(), "loopback is no key");
    }

    #[test]
    fn without_keys_only_this_machine_may_call() {
        let none = Keys::default();
        for host in ["127.0.0.1:8080", "localhost", "[::1]:8080"] {
            assert!(check(&request("127.0.0.1", &[("host", host)]), &none).is_ok(), "{host}");
        }
        assert!(check(&request("::ffff:127.0.0.1", &[]), &none).is_ok());
        assert!(check(&request("192.168.0.7", &[("host", "localhost")]), &none).is_err());
        assert!(check(&Request::new(Body::empty()), &none).is_err(), "an unknown peer");
        for (name, value) in [
            ("host", "rebound.example:8080"),
            ("host", ""),
            ("x-forwarded-for", "203.0.113.9"),
            ("x-real-ip", "203.0.113.9"),
            ("via", "1.1 proxy"),
        ] {
            assert!(check(&request("127.0.0.1", &[(name, value)]), &none).is_err(), "{value}");
        }
    }

    #[test]
    fn a_key_in_place_of_its_digest_is_refused_and_not_repeated() {
        let error = Keys::parse(&["secret".to_owned()]).unwrap_err();
        assert!(!error.to_string().contains("secret"));
        assert!(error.to_string().contains("entry 1"));
    }

    #[test]
    fn the_digest_of_an_unset_variable_is_refused() {
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let error = Keys::parse(&[nothing.to_owned()]).unwrap_err();
        assert!(error.to_string().contains("empty key"), "{error}");
    }

    #[test]
    fn a_public_address_needs_a_key() {
        let public = ["0.0.0.0:80".parse().unwrap()];
        assert!(check_exposure(&public, &Keys::default()).is_err());
        assert!(check_exposure(&public, &keys()).is_ok());
        let local = ["127.0.0.1:80".parse().unwrap(), "[::1]:80".parse().unwrap()];
        assert!(check_exposure(&local, &Keys::default()).is_ok());
    }
}
