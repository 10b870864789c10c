//! Tokens as people hold them: `lb_<id>_<secret>`.
//!
//! The id finds the record and is no secret: it stands in lists, logs and the audit log. The secret is 32 random bytes,
//! written as 64 hexadecimal digits, and is shown once; kept is its SHA-256. A slow, salted hash such as Argon2 is for
//! what people choose, whose few likely values can be tried one after another; 2^256 values cannot, by any hash, and a
//! slow one would cost every request milliseconds and let strangers keep the service busy by asking. The prefix lets
//! scanners of repositories find a token that got lost.
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fmt::Write as _;
use subtle::ConstantTimeEq;

const PREFIX: &str = "lb_";
/// Random bytes of an id: enough that two never meet, short enough to read out.
const ID_BYTES: usize = 6;
/// Random bytes of a secret.
const SECRET_BYTES: usize = 32;

/// Random bytes for one token. Fetched by the caller, so that all else here is pure.
#[derive(Clone)]
pub struct Randomness {
    id: [u8; ID_BYTES],
    secret: [u8; SECRET_BYTES],
}

impl Randomness {
    /// From the operating system.
    ///
    /// # Errors
    /// If it gives none.
    pub fn fetch() -> Result<Self, getrandom::Error> {
        let mut random = Self { id: [0; ID_BYTES], secret: [0; SECRET_BYTES] };
        getrandom::fill(&mut random.id)?;
        getrandom::fill(&mut random.secret)?;
        Ok(random)
    }
}

impl fmt::Debug for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Randomness")
    }
}

/// The secret part of a token. It has no `Debug` or `Serialize` that would tell it.
#[derive(Clone)]
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// What is kept of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What is kept of a secret: its SHA-256, in hexadecimal digits on the wire.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// What no secret hashes to, as far as anybody knows: compared against where there is no record, so that an unknown id
    /// takes as long to refuse as a wrong secret.
    pub const NOBODY: Self = Self([0; 32]);

    /// Whether this is the hash of `secret`. Takes as long wherever they differ.
    pub fn is_of(&self, secret: &Secret) -> bool {
        self.0.ct_eq(&secret.hash().0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash")
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        hex(&hash.0)
    }
}

impl TryFrom<String> for SecretHash {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        from_hex(&text).map(Self).ok_or("not 64 hexadecimal digits")
    }
}

/// A token as it is presented.
#[derive(Clone, Debug)]
pub struct Token {
    /// Which record it belongs to.
    pub id: String,
    /// What proves it.
    pub secret: Secret,
}

impl Token {
    /// A new one.
    pub fn new(random: &Randomness) -> Self {
        Self { id: hex(&random.id), secret: Secret(random.secret) }
    }

    /// Reads one; none where it is not in the form of a token. Nothing in here is secret but the digits of the secret,
    /// and their number.
    pub fn read(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        from_hex::<ID_BYTES>(id)?;
        Some(Self { id: id.to_owned(), secret: Secret(from_hex(secret)?) })
    }

    /// The token in full, to be shown once.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, hex(&self.secret.0))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Lower-case digits only: one token has one spelling.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let mut bytes = [0; N];
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_it_was_shown() {
        let token = Token::new(&Randomness::fetch().expect("random bytes"));
        let text = token.reveal();
        assert!(text.len() == 3 + 12 + 1 + 64 && text.starts_with("lb_"), "{text}");
        let read = Token::read(&text).expect("a token");
        assert_eq!(read.id, token.id);
        assert!(token.secret.hash().is_of(&read.secret));
    }

    #[test]
    fn one_changed_digit_is_another_secret() {
        let token = Token::new(&Randomness { id: [1; 6], secret: [0xAB; 32] });
        let other = Token::read(&token.reveal().replacen("ab", "ac", 1)).expect("a token");
        assert!(!token.secret.hash().is_of(&other.secret));
        assert!(!SecretHash::NOBODY.is_of(&token.secret));
    }

    #[test]
    fn what_is_not_in_the_form_of_a_token_is_none() {
        let token = Token::new(&Randomness { id: [1; 6], secret: [0xAB; 32] }).reveal();
        let spoilt = [
            "",
            "lb_",
            "lb__",
            &token[1..],
            &token[..token.len() - 1],
            &format!("{token}0"),
            &token.to_uppercase(),
            &token.replace('a', "g"),
            &token.replace('a', "é"),
            &token.replace("lb_01", "lb_0_1"),
        ]
        .map(Token::read);
        assert!(spoilt.iter().all(Option::is_none), "{spoilt:?}");
    }

    #[test]
    fn nothing_that_is_printed_tells_the_secret() {
        let token = Token::new(&Randomness { id: [1; 6], secret: [0xAB; 32] });
        let printed = format!("{token:?} {:?} {:?}", token.secret, token.secret.hash());
        assert!(!printed.contains("abab") && !printed.contains("171"), "{printed}");
    }

    #[test]
    fn a_hash_is_written_and_read() {
        let hash = Secret([7; 32]).hash();
        let json = serde_json::to_string(&hash).expect("JSON");
        let back: SecretHash = serde_json::from_str(&json).expect("a hash");
        assert!(back.is_of(&Secret([7; 32])));
        assert!(serde_json::from_str::<SecretHash>("\"00\"").is_err());
    }
}
