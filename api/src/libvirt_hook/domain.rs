//! What the hook needs of libvirt's XML. libvirt writes the XML, but people choose what is in it: anything that cannot be read is an
//! error, nothing is expanded (there is no DTD), and its size is bounded.
use roxmltree::{Document, Node};

/// Bytes of XML. The largest that libvirt itself sends over its wire is 4 MiB.
pub const MOST_BYTES: u64 = 4 << 20;

/// A VM as libvirt describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// Its UUID, as libvirt writes it.
    pub uuid: Option<String>,
    /// All the memory that it may take without hot-plugging, rounded up to MiB.
    pub memory_mib: u64,
    /// Its vCPUs at most.
    pub vcpus: u64,
}

/// Why the XML is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// It is no XML.
    #[error("the XML cannot be read: {0}")]
    Xml(String),
    /// It is XML of something else.
    #[error("the XML describes no domain")]
    NoDomain,
    /// Something in it is missing, or makes no sense.
    #[error("the domain's {0} is missing or makes no sense")]
    Bad(&'static str),
}

impl Domain {
    /// Reads the XML that libvirt gives to its hooks.
    ///
    /// # Errors
    /// If it is of no use.
    pub fn read(xml: &str) -> Result<Self, DomainError> {
        let document = Document::parse(xml).map_err(|error| DomainError::Xml(error.to_string()))?;
        let root = document.root_element();
        if !root.has_tag_name("domain") {
            return Err(DomainError::NoDomain);
        }
        let name = text(root, "name").ok_or(DomainError::Bad("name"))?;
        let memory = child(root, "memory").and_then(mib).ok_or(DomainError::Bad("memory"))?;
        // Without the element there is one.
        let vcpus = text(root, "vcpu").map_or(Some(1), |text| text.parse().ok());
        Ok(Self {
            name: name.to_owned(),
            uuid: text(root, "uuid").map(str::to_owned),
            memory_mib: memory,
            vcpus: vcpus.ok_or(DomainError::Bad("vcpu"))?,
        })
    }
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim).filter(|text| !text.is_empty())
}

/// An amount of memory in MiB, rounded up. Units are libvirt's: KiB where none is given, `k` for KiB, `kB` for 1000 bytes.
fn mib(memory: Node<'_, '_>) -> Option<u64> {
    let amount: u64 = memory.text()?.trim().parse().ok()?;
    let unit: u64 = match memory.attribute("unit").unwrap_or("KiB") {
        "b" | "bytes" => 1,
        "KB" | "kB" => 1000,
        "k" | "K" | "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "M" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "T" | "TiB" => 1 << 40,
        _ => return None,
    };
    Some(amount.checked_mul(unit)?.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(inside: &str) -> Result<Domain, DomainError> {
        Domain::read(&format!("<domain type='qemu' id='3'>{inside}</domain>"))
    }

    #[test]
    fn name_memory_and_vcpus_are_read_as_libvirt_writes_them() {
        let domain = read(
            "\n  <name>web &amp; co</name>\n  <uuid>6f1c</uuid>\n  <memory unit='KiB'>2097153</memory>
             <currentMemory unit='KiB'>1048576</currentMemory><vcpu placement='static' current='1'>4</vcpu>
             <devices><disk><name>not this</name></disk></devices>",
        );
        let (name, uuid) = ("web & co".to_owned(), Some("6f1c".to_owned()));
        assert_eq!(domain, Ok(Domain { name, uuid, memory_mib: 2049, vcpus: 4 }));
    }

    #[test]
    fn amounts_have_libvirts_units() {
        for (memory, mib) in [
            ("<memory>2048</memory>", 2),
            ("<memory unit='b'>1</memory>", 1),
            ("<memory unit='GiB'>3</memory>", 3072),
            ("<memory unit='GB'>1</memory>", 954),
            ("<memory unit='M'>7</memory>", 7),
        ] {
            assert_eq!(
                read(&format!("<name>v</name>{memory}")).map(|domain| domain.memory_mib),
                Ok(mib),
                "{memory}"
            );
        }
    }

    #[test]
    fn what_is_of_no_use_is_refused_and_nothing_is_expanded() {
        assert_eq!(read("<memory>1</memory>"), Err(DomainError::Bad("name")));
        for memory in [
            "",
            "<memory>x</memory>",
            "<memory unit='EiB'>1</memory>",
            "<memory unit='TiB'>99999999999</memory>",
        ] {
            assert_eq!(read(&format!("<name>v</name>{memory}")), Err(DomainError::Bad("memory")), "{memory}");
        }
        assert_eq!(Domain::read("<network/>"), Err(DomainError::NoDomain));
        let bomb =
            "<!DOCTYPE d [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><domain><name>&b;</name></domain>";
        assert!(matches!(Domain::read(bomb), Err(DomainError::Xml(_))));
        assert!(matches!(Domain::read(""), Err(DomainError::Xml(_))));
    }
}
