//! The hook's own configuration file, `/etc/lifeboat/libvirt-hook.conf`: declared like the service's, once.
use crate::client::address::{AddressError, ServerAddress};
use crate::config::pages;
use crate::config::read::Reader;
use crate::config::sections::{SectionPage, sections};
use crate::config::setting::words;
use crate::config::{ConfigFault, SecretSource};
use std::path::PathBuf;

/// Where the package puts the file.
pub const USUAL_PATH: &str = "/etc/lifeboat/libvirt-hook.conf";

sections! {
    /// What libvirt's hook asks, and what it does with the answer.
    HookSettings in hook {
        /// Where the service is. Several coordinators have commas between them: the first is asked, and sends the hook on to the one that
        /// leads. The token goes to none but these.
        service: String = "http://127.0.0.1:7878".to_owned();
        /// The pool that this host belongs to. The hook does nothing until it is set.
        pool: Option<String> = None, such as "\"prod-a\"";
        /// This host's name in the pool; left out: the name of the machine.
        host: Option<String> = None, such as "\"h01\"";
        /// What happens to a start that would do the pool harm: "warn" lets it pass and says so in syslog, "deny" refuses it and gives the
        /// reason to whoever asked libvirt.
        policy: Policy = Policy::Warn;
        /// What happens to a start when the service does not answer in time: "allow" or "deny". With "deny" no VM starts on this host
        /// while the service is away; Lifeboat's own restarts included.
        if_unreachable: IfUnreachable = IfUnreachable::Allow;
        /// How long libvirt is kept waiting at most.
        time_limit_ms: u64 = 100, within 10 to 10_000;
        /// A token of the role agent for this pool.
        token: Option<SecretSource> = None, such as "{ file = \"/etc/lifeboat/hook-token\" }";
        /// The certificate of this host's agent, in PEM, instead of a token.
        certificate_file: Option<PathBuf> = None, such as "\"/etc/lifeboat/tls/agent.pem\"";
        /// The private key of that certificate, in PEM.
        key: Option<SecretSource> = None, such as "{ file = \"/etc/lifeboat/tls/agent.key\" }";
        /// Authorities whose certificates are believed of the service, in PEM; left out: Mozilla's list.
        ca_file: Option<PathBuf> = None, such as "\"/etc/lifeboat/tls/ca.pem\"";
        /// By what VMs are named in the pool: "name" or "uuid".
        vm_id: VmId = VmId::Name;
        /// Whether a VM that the pool does not have is added to it, unprotected, when it starts. Its memory counts only then.
        add_unknown: bool = true;
        /// What each VM takes on its host beyond its own memory: QEMU itself, video memory, page tables.
        overhead_mib: u64 = 0, within 0 to 1_048_576;
        /// The resource as which vCPUs are counted; left out: they are not. Hosts must have it in the pool.
        vcpus_as: Option<String> = None, such as "\"vcpus\"";
    }
}

/// What happens to a start that would do harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It passes, and syslog hears of it.
    Warn,
    /// It is refused.
    Deny,
}
words!(Policy: Warn = "warn", Deny = "deny");

/// What happens to a start when the service does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfUnreachable {
    /// It passes.
    Allow,
    /// It is refused.
    Deny,
}
words!(IfUnreachable: Allow = "allow", Deny = "deny");

/// By what VMs are named in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmId {
    /// By their names in libvirt.
    Name,
    /// By their UUIDs.
    Uuid,
}
words!(VmId: Name = "name", Uuid = "uuid");

impl HookSettings {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn of(text: &str) -> Result<Self, Vec<ConfigFault>> {
        let mut reader = Reader::new(text);
        let settings = Self::read(&mut reader);
        let (mut faults, places) = reader.end();
        let mut fault = |key: &str, message: &str| {
            faults.push(ConfigFault { at: places.of(key), key: key.to_owned(), message: message.to_owned() });
        };
        match settings.servers() {
            Err(error) => fault("hook.service", &error.to_string()),
            Ok(_) if !settings.service.split(',').all(|url| url.contains("://")) => {
                fault("hook.service", "must be a URL, such as \"https://coordinator-1.example:7878\"");
            }
            Ok(servers) if !servers.iter().all(ServerAddress::keeps_secrets) => fault(
                "hook.service",
                "beyond this machine the service is spoken to only by TLS: begin with https://",
            ),
            Ok(_) => (),
        }
        if settings.certificate_file.is_some() != settings.key.is_some() {
            fault("hook.key", "certificate_file and key are needed together");
        }
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    /// Where the service may be; the first is asked.
    ///
    /// # Errors
    /// If one is no address.
    pub fn servers(&self) -> Result<Vec<ServerAddress>, AddressError> {
        self.service.split(',').map(|url| url.trim().parse()).collect()
    }

    /// The commented file.
    pub fn example() -> String {
        const HEAD: &str = "\
# What Lifeboat's hook in libvirt does on this host: /etc/lifeboat/libvirt-hook.conf.
#
# Every key is here, with what it is when it is left out. To change one, remove the # before it. The file is
# read anew each time. A file with a fault lets everything pass, and says so in syslog.
";
        pages::commented(HEAD, &Self::pages())
    }

    /// The keys as the pages show them.
    pub fn pages() -> Vec<SectionPage> {
        vec![Self::page()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(path: &str) -> String {
        let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn the_file_that_is_shipped_is_the_one_of_the_declarations_and_changes_nothing() {
        let example = HookSettings::example();
        assert_eq!(
            house("contrib/libvirt/libvirt-hook.conf"),
            example,
            "write this to contrib/libvirt/libvirt-hook.conf"
        );
        assert_eq!(HookSettings::of(&example), Ok(HookSettings::default()));
    }

    #[test]
    fn the_page_has_the_keys() {
        let tables = pages::tables_of(&HookSettings::pages());
        assert!(
            house("docs/libvirt-hook.md").contains(tables.trim()),
            "docs/libvirt-hook.md lacks:\n{tables}"
        );
    }

    #[test]
    fn a_token_never_leaves_this_machine_unencrypted() {
        for (service, sound) in [
            ("https://h:1", true),
            ("http://127.0.0.1:7878", true),
            ("http://[::1]:1", true),
            ("http://h:1", false),
            ("http://localhost.example", false),
            ("http://127.evil.example", false),
            ("http://127.0.0.1@h:1", false),
            ("h:1", false),
            ("https://a:1, https://b:1", true),
            ("https://a:1,http://b:1", false),
        ] {
            assert_eq!(
                HookSettings::of(&format!("[hook]\nservice = \"{service}\"")).is_ok(),
                sound,
                "{service}"
            );
        }
    }

    #[test]
    fn faults_have_places() {
        let faults = HookSettings::of("[hook]\npolicy = \"maybe\"\ntimeout = 3\n").expect_err("two");
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(
            told[0].starts_with("2:10: hook.policy: ") && told[1].starts_with("3:1: hook.timeout: "),
            "{told:?}"
        );
    }
}
