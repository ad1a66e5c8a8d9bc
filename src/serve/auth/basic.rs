//! Which password does a browser send?
//!
//! HTTP Basic (RFC 7617) is `user:password` in base64 (RFC 4648). A browser
//! can send nothing else that a user types in without a page of ours that
//! keeps a session, and a session would be one more secret to guard.

/// The password of Basic credentials.
pub(super) fn password(credentials: &str) -> Option<String> {
    let text = String::from_utf8(decode(credentials)?).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

/// Base64 with the standard alphabet; padding may be left out.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    // One digit alone holds six bits, less than a byte.
    if digits.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            bits = (bits << 6) | value(*digit)?;
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4648_test_vectors() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(decode("Zm9vY"), None);
        assert_eq!(decode("Zm-_"), None);
    }

    #[test]
    fn a_password_may_hold_colons() {
        // "Aladdin:open sesame" is the example of RFC 7617.
        assert_eq!(password("QWxhZGRpbjpvcGVuIHNlc2FtZQ==").unwrap(), "open sesame");
        assert_eq!(password("Omlhbjph").unwrap(), "ian:a");
        assert_eq!(password("b3Blbg=="), None);
    }
}
