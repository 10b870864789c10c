//! The types that a key can have: how each is read, and how it is written in the example.
use super::secret::SecretSource;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use toml::de::DeValue;

/// A type that a key can have.
pub trait Setting: Sized {
    /// What belongs there, in words.
    fn kind() -> &'static str;

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;

    /// How it is written in TOML; none: the key is left out.
    fn written(&self) -> Option<String>;

    /// Whether it lies in a range; only numbers can lie outside.
    fn lies_in(&self, _: &RangeInclusive<u64>) -> bool {
        true
    }
}

fn expected<T: Setting>(value: &DeValue<'_>) -> String {
    format!("must be {}, not {}", T::kind(), with_article(value.type_str()))
}

fn with_article(kind: &str) -> String {
    format!("{} {kind}", if kind.starts_with(['a', 'i']) { "an" } else { "a" })
}

impl Setting for u64 {
    fn kind() -> &'static str {
        "a whole number"
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let number = value.as_integer().ok_or_else(|| expected::<Self>(value))?;
        // A number outside 64 bits, or below 0, is out of any range.
        Ok(Self::from_str_radix(number.as_str(), number.radix()).unwrap_or(Self::MAX))
    }
    fn written(&self) -> Option<String> {
        Some(self.to_string())
    }
    fn lies_in(&self, range: &RangeInclusive<u64>) -> bool {
        range.contains(self)
    }
}

impl Setting for u32 {
    fn kind() -> &'static str {
        u64::kind()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        u64::read(value).map(|number| Self::try_from(number).unwrap_or(Self::MAX))
    }
    fn written(&self) -> Option<String> {
        Some(self.to_string())
    }
    fn lies_in(&self, range: &RangeInclusive<u64>) -> bool {
        range.contains(&u64::from(*self))
    }
}

impl Setting for bool {
    fn kind() -> &'static str {
        "true or false"
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| expected::<Self>(value))
    }
    fn written(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for String {
    fn kind() -> &'static str {
        "text"
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = value.as_str().ok_or_else(|| expected::<Self>(value))?;
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err("must not be empty nor hold control characters".into());
        }
        Ok(text.to_owned())
    }
    fn written(&self) -> Option<String> {
        Some(quoted(self))
    }
}

impl Setting for PathBuf {
    fn kind() -> &'static str {
        "an absolute path"
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let path = Self::from(value.as_str().ok_or_else(|| expected::<Self>(value))?);
        // The service may be started anywhere; a path from there would be another each time.
        if path.is_absolute() { Ok(path) } else { Err("must be an absolute path, beginning with /".into()) }
    }
    fn written(&self) -> Option<String> {
        Some(quoted(&self.display().to_string()))
    }
}

impl Setting for Vec<SocketAddr> {
    fn kind() -> &'static str {
        "a list of addresses with ports"
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let list = value.as_array().ok_or_else(|| expected::<Self>(value))?;
        let read = |entry: &toml::Spanned<DeValue<'_>>| {
            let text = entry.get_ref().as_str().ok_or_else(|| expected::<Self>(value))?;
            text.parse().map_err(|_| {
                format!("{text:?} is no address with a port, such as \"127.0.0.1:7878\" or \"[::]:7878\"")
            })
        };
        let addresses: Self = list.iter().map(read).collect::<Result<_, _>>()?;
        if addresses.is_empty() || addresses.len() > 64 {
            return Err("must be 1 to 64 addresses".into());
        }
        Ok(addresses)
    }
    fn written(&self) -> Option<String> {
        let list: Vec<String> = self.iter().map(|address| quoted(&address.to_string())).collect();
        Some(format!("[{}]", list.join(", ")))
    }
}

impl Setting for SecretSource {
    fn kind() -> &'static str {
        "{ file = \"/path\" } or { credential = \"name\" }"
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        if value.is_str() {
            return Err(format!("a secret is never written here: give {}", Self::kind()));
        }
        let table = value.as_table().ok_or_else(|| expected::<Self>(value))?;
        let mut entries = table.iter().map(|(key, value)| (key.get_ref().as_ref(), value.get_ref()));
        match (entries.next(), entries.next()) {
            (Some(("file", path)), None) => PathBuf::read(path).map(Self::File),
            (Some(("credential", name)), None) => {
                let name = String::read(name)?;
                let is_one = Self::is_credential_name(&name);
                if is_one { Ok(Self::Credential(name)) } else { Err(format!("{name:?} names no credential")) }
            }
            _ => Err(format!("must be {}", Self::kind())),
        }
    }
    fn written(&self) -> Option<String> {
        Some(match self {
            Self::File(path) => format!("{{ file = {} }}", quoted(&path.display().to_string())),
            Self::Credential(name) => format!("{{ credential = {} }}", quoted(name)),
        })
    }
}

impl<T: Setting> Setting for Option<T> {
    fn kind() -> &'static str {
        T::kind()
    }
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        T::read(value).map(Some)
    }
    fn written(&self) -> Option<String> {
        self.as_ref().and_then(T::written)
    }
    fn lies_in(&self, range: &RangeInclusive<u64>) -> bool {
        self.as_ref().is_none_or(|value| value.lies_in(range))
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            character if character.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(character));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Implements [`Setting`] for an enum of words.
macro_rules! words {
    ($name:ident: $($variant:ident = $word:literal),+ $(,)?) => {
        impl $crate::config::setting::Setting for $name {
            fn kind() -> &'static str {
                const WORDS: &[&str] = &[$(concat!("\"", $word, "\"")),+];
                static KIND: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| WORDS.join(", "));
                &KIND
            }
            fn read(value: &toml::de::DeValue<'_>) -> Result<Self, String> {
                match value.as_str() {
                    $(Some($word) => Ok(Self::$variant),)+
                    Some(other) => Err(format!("{other:?} is not one of {}", Self::kind())),
                    None => Err(format!("must be one of {}", Self::kind())),
                }
            }
            fn written(&self) -> Option<String> {
                Some(match self { $(Self::$variant => concat!("\"", $word, "\"").to_owned()),+ })
            }
        }
    };
}
pub(crate) use words;
