//! Every key, declared once: its type, what it is when it is left out, its range, and what it means.
use super::check::{self, ConfigFault};
use super::read::Reader;
use super::secret::SecretSource;
use super::setting::words;
use lifeboat_delivery::ChannelSettings;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use toml::de::ValueDeserializer;

/// A key as the pages show it.
#[derive(Clone, Debug)]
pub struct KeyPage {
    /// Its name.
    pub name: &'static str,
    /// What it means, by lines.
    pub about: &'static [&'static str],
    /// What belongs there.
    pub kind: &'static str,
    /// Its range, for numbers.
    pub range: Option<(u64, u64)>,
    /// What it is when it is left out; none: nothing.
    pub usual: Option<String>,
    /// What it could be, for one that is usually left out.
    pub example: Option<&'static str>,
}

/// A section as the pages show it.
#[derive(Clone, Debug)]
pub struct SectionPage {
    /// Its name.
    pub name: &'static str,
    /// What it is for, by lines.
    pub about: &'static [&'static str],
    /// Its keys.
    pub keys: Vec<KeyPage>,
}

/// Declares sections. For each key: `name: type = usual, within LEAST to MOST, such as "example";`
macro_rules! sections {
    ($(
        $(#[doc = $about:literal])+
        $name:ident in $field:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $kind:ty = $usual:expr $(, within $least:literal to $most:literal)? $(, such as $example:literal)?;
            )+
        }
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name {
                $($(#[doc = $doc])+ pub $key: $kind,)+
            }

            impl Default for $name {
                fn default() -> Self {
                    Self { $($key: $usual,)+ }
                }
            }

            impl $name {
                /// Reads the section.
                pub fn read(reader: &mut $crate::config::read::Reader<'_>) -> Self {
                    reader.section(stringify!($field), |keys| Self {
                        $($key: keys.take(stringify!($key), $usual, None$(.or(Some(&($least..=$most))))?),)+
                    })
                }

                /// The section as the pages show it.
                pub fn page() -> $crate::config::sections::SectionPage {
                    use $crate::config::setting::Setting;
                    let usual = Self::default();
                    $crate::config::sections::SectionPage {
                        name: stringify!($field),
                        about: &[$($about),+],
                        keys: vec![$($crate::config::sections::KeyPage {
                            name: stringify!($key),
                            about: &[$($doc),+],
                            kind: <$kind as Setting>::kind(),
                            range: None$(.or(Some(($least, $most))))?,
                            usual: usual.$key.written(),
                            example: None$(.or(Some($example)))?,
                        }),+],
                    }
                }
            }
        )+
    };
}
pub(crate) use sections;

sections! {
    /// Where the service listens. Anywhere but on loopback it speaks TLS and asks everybody who they are.
    Listen in listen {
        /// Addresses with ports. Beyond loopback, `certificate_file` and `key` are needed as well.
        addresses: Vec<SocketAddr> = vec![SocketAddr::from(([127, 0, 0, 1], 7878))];
        /// The service's certificate and those between it and its authority, in PEM, its own first. With it, every address speaks TLS
        /// (1.2 or later). It is loaded anew when the file changes, and on SIGHUP.
        certificate_file: Option<PathBuf> = None, such as "\"/etc/lifeboat/tls/cert.pem\"";
        /// The certificate's private key, in PEM.
        key: Option<SecretSource> = None, such as "{ credential = \"tls-key\" }";
        /// Authorities whose certificates for agents are believed, in PEM. docs/security.md says what such a certificate must say.
        client_ca_file: Option<PathBuf> = None, such as "\"/etc/lifeboat/tls/agents-ca.pem\"";
        /// Certificates of agents that are believed no more: revocation lists of those authorities, in PEM.
        client_crl_file: Option<PathBuf> = None, such as "\"/etc/lifeboat/tls/agents-crl.pem\"";
        /// Whether a client without such a certificate is turned away in the handshake, people with tokens included.
        require_client_certificate: bool = false;
    }

    /// Where everything that was acknowledged is kept.
    StoreSection in store {
        /// A file (redb, for one coordinator), or `etcds://host:port,host:port,...` for several, of which one leads.
        address: String = "/var/lib/lifeboat/store.redb".to_owned();
        /// Whether etcd may be spoken to without TLS, as `etcd://`. Only for an etcd on loopback, given by its address.
        etcd_plain: bool = false;
        /// The user in etcd.
        etcd_user: Option<String> = None, such as "\"lifeboat\"";
        /// The user's password.
        etcd_password: Option<SecretSource> = None, such as "{ credential = \"etcd-password\" }";
        /// Authorities whose certificates are believed of etcd, in PEM; left out: Mozilla's list.
        etcd_ca_file: Option<PathBuf> = None, such as "\"/etc/lifeboat/etcd/ca.pem\"";
        /// The certificate shown to etcd, in PEM.
        etcd_certificate_file: Option<PathBuf> = None, such as "\"/etc/lifeboat/etcd/client.pem\"";
        /// The private key of that certificate, in PEM.
        etcd_key: Option<SecretSource> = None, such as "{ credential = \"etcd-key\" }";
    }

    /// What this coordinator is to others. Needed where several share an etcd.
    Coordinator in coordinator {
        /// Its name, for people; left out: its first address.
        name: Option<String> = None, such as "\"coordinator-1\"";
        /// Where clients reach it, as a URL; left out: its first address. The others point to it while it leads.
        address: Option<String> = None, such as "\"https://coordinator-1.example:7878\"";
    }

    /// How the tolerance of the pools is computed.
    Solver in solver {
        /// Threads that compute; 0: one a core.
        threads: u32 = 0, within 0 to 1024;
        /// How long the first answer after an event may take. What is not decided by then is published as open.
        quick_limit_ms: u64 = 50, within 1 to 60_000;
        /// How long bounds that are still open are worked on, while nothing happens.
        deep_limit_s: u64 = 10, within 0 to 3600;
    }

    /// How much the service takes on, from everybody and from anybody.
    Limits in limits {
        /// Connections at a time.
        connections: u32 = 16_384, within 1 to 1_000_000;
        /// Connections at a time from one address. Loopback is not held to it.
        connections_per_address: u32 = 1024, within 1 to 1_000_000;
        /// How long the head of a request may take to arrive.
        head_s: u64 = 10, within 1 to 600;
        /// How long the body of a request may take to arrive.
        body_s: u64 = 30, within 1 to 3600;
        /// The largest body.
        body_mib: u32 = 32, within 1 to 1024;
        /// The largest body once unpacked.
        unpacked_mib: u32 = 64, within 1 to 4096;
        /// Bodies that are received at a time.
        bodies: u32 = 64, within 1 to 65_536;
        /// How long an answer may take, from the head of its request to its own head.
        request_s: u64 = 120, within 1 to 3600;
        /// Posted documents that are computed at a time; 0: one a core.
        computations: u32 = 0, within 0 to 1024;
        /// Posted documents that wait for their turn. Whoever comes then is told to come later.
        waiting: u32 = 16, within 0 to 65_536;
        /// How long a search in a posted document takes if the request does not say.
        search_s: u64 = 10, within 1 to 3600;
        /// How long a request may ask for.
        longest_search_s: u64 = 60, within 1 to 3600;
        /// Requests a second of one principal (a token, an agent).
        requests_per_s: u32 = 5000, within 1 to 1_000_000;
        /// Requests of one principal at once, before that rate holds.
        requests_burst: u32 = 10_000, within 1 to 10_000_000;
        /// Requests a second from one address (of IPv6: one /64), with whatever credentials. Loopback is not held to it.
        address_requests_per_s: u32 = 5000, within 1 to 1_000_000;
        /// Requests from one address at once, before that rate holds.
        address_requests_burst: u32 = 10_000, within 1 to 10_000_000;
        /// Event streams (SSE) at a time.
        streams: u32 = 8192, within 0 to 1_000_000;
        /// Event streams of one principal at a time.
        streams_per_principal: u32 = 8192, within 0 to 1_000_000;
        /// Events kept of each pool. A client that comes back for older ones is told to read the state anew.
        events_kept: u64 = 100_000, within 100 to 100_000_000;
    }

    /// Tokens, by which people and programs say who they are.
    Tokens in tokens {
        /// Where credentials are needed: "always", or "beyond-loopback": while all addresses are loopback, and there is no
        /// token of an admin of all pools, everybody on this machine is admin.
        required: Required = Required::BeyondLoopback;
        /// A token that is an admin's of all pools as long as it stands here: for a first entry, made with `lifeboat config bootstrap-token FILE`.
        bootstrap: Option<SecretSource> = None, such as "{ credential = \"bootstrap-token\" }";
    }

    /// What the service writes to standard error, from where systemd takes it to the journal.
    Log in log {
        /// How much: "error", "warn", "info", "debug" or "trace".
        level: LogLevel = LogLevel::Info;
        /// How: "text" for people, "json" for programs.
        format: LogFormat = LogFormat::Text;
    }

    /// What the service tells a collector.
    Telemetry in telemetry {
        /// Where traces are sent by OTLP over HTTP; left out: nowhere. (Metrics are read from /metrics.)
        otlp_endpoint: Option<String> = None, such as "\"http://127.0.0.1:4318\"";
    }

    /// The log of who changed what.
    Audit in audit {
        /// Entries kept; the oldest go first.
        keep_entries: u64 = 1_000_000, within 1000 to 1_000_000_000;
        /// Days that entries are kept.
        keep_days: u64 = 400, within 1 to 36_500;
    }
}

/// All that the service is told before it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Where the service listens.
    pub listen: Listen,
    /// Where everything that was acknowledged is kept.
    pub store: StoreSection,
    /// What this coordinator is to others.
    pub coordinator: Coordinator,
    /// How the tolerance of the pools is computed.
    pub solver: Solver,
    /// How much the service takes on.
    pub limits: Limits,
    /// Tokens.
    pub tokens: Tokens,
    /// The log.
    pub log: Log,
    /// What the service tells a collector.
    pub telemetry: Telemetry,
    /// The log of who changed what.
    pub audit: Audit,
    /// Where alerts go.
    pub alerts: Alerts,
}

impl Config {
    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn read(text: &str) -> Result<Self, Vec<ConfigFault>> {
        let mut reader = Reader::new(text);
        let config = Self {
            listen: Listen::read(&mut reader),
            store: StoreSection::read(&mut reader),
            coordinator: Coordinator::read(&mut reader),
            solver: Solver::read(&mut reader),
            limits: Limits::read(&mut reader),
            tokens: Tokens::read(&mut reader),
            log: Log::read(&mut reader),
            telemetry: Telemetry::read(&mut reader),
            audit: Audit::read(&mut reader),
            alerts: Alerts::read(&mut reader),
        };
        let (mut faults, places) = reader.end();
        // What does not fit together is looked for in any case: a typing mistake elsewhere hides nothing.
        faults.extend(check::together(&config, &places));
        if faults.is_empty() { Ok(config) } else { Err(check::in_order(faults)) }
    }

    /// Every section as the pages show it, `[alerts]` apart.
    pub fn pages() -> Vec<SectionPage> {
        vec![
            Listen::page(),
            StoreSection::page(),
            Coordinator::page(),
            Solver::page(),
            Limits::page(),
            Tokens::page(),
            Log::page(),
            Telemetry::page(),
            Audit::page(),
        ]
    }
}

/// Where alerts go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alerts {
    /// The ways out.
    pub channels: Vec<ChannelSettings>,
}

impl Alerts {
    fn read(reader: &mut Reader<'_>) -> Self {
        reader.section("alerts", |keys| {
            let mut channels = Vec::new();
            let mut places = BTreeMap::new();
            for table in keys.tables("channel") {
                let at = table.span().start;
                let read: Result<ChannelSettings, toml::de::Error> =
                    Deserialize::deserialize(ValueDeserializer::from(table));
                match read {
                    Ok(channel) => {
                        places.insert(channel.name().to_owned(), at);
                        channels.push(channel);
                    }
                    Err(error) => {
                        let at = error.span().map_or(at, |span| span.start);
                        keys.fault(Some(at), "channel", error.message());
                    }
                }
            }
            for fault in lifeboat_delivery::settings::check(&channels) {
                let at = places.get(&fault.channel).copied();
                let named =
                    if fault.channel.is_empty() { String::new() } else { format!("{:?}: ", fault.channel) };
                let key = if fault.key.is_empty() {
                    "channel".to_owned()
                } else {
                    format!("channel.{}", fault.key)
                };
                keys.fault(at, &key, format!("{named}{}", fault.message));
            }
            Self { channels }
        })
    }
}

/// Where credentials are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// Everywhere.
    Always,
    /// Everywhere but on loopback while there is no token.
    BeyondLoopback,
}
words!(Required: Always = "always", BeyondLoopback = "beyond-loopback");

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what is not as it should be.
    Warn,
    /// And what happens.
    Info,
    /// And each request.
    Debug,
    /// And everything else.
    Trace,
}
words!(LogLevel: Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace");

impl LogLevel {
    /// The level as `tracing` calls it.
    pub fn filter(self) -> tracing::level_filters::LevelFilter {
        use tracing::level_filters::LevelFilter;
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
words!(LogFormat: Text = "text", Json = "json");
