//! `lifeboat-agent init`: makes a pool, with this host as its first.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::clock;
use crate::enrol::files::Places;
use crate::enrol::medium::{self, MediumFault};
use crate::enrol::{EnrolFault, EtcdArguments, HostArguments, Membership};
use lifeboat_link::Roster;
use lifeboat_link::certificate::{Authority, CertificateError, HOST_LIVES, Request};
use lifeboat_link::join::{FOUNDING, Founding, MediumPlace, PoolKey};
use lifeboat_link::roster::{LivenessSettings, Member};
use lifeboat_protocol::medium::statefile::REGION;
use lifeboat_store::volume::{self, FormatError, Tenure};
use lifeboat_store::{Batch, Candidate, Key, Options, Store, StoreAddress, StoreError};
use std::time::Duration;

/// Records of an earlier pool that are looked at at once.
const PAGE: usize = 1000;

/// Make a pool, with this host as its first: formats the shared volumes and writes this host's files
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lifeboat-agent init --pool prod-a --host h01 --network hb0=10.0.0.1:7946,eth0 \\\n    --medium statefile:/dev/shared1 --metadata volume:/dev/shared2 --api https://10.0.0.1:7878"
)]
pub struct Init {
    #[command(flatten)]
    host: HostArguments,
    /// What carries the pool's records: statefile:/dev/…[?offset=BYTES], or etcds://host:port,…
    #[arg(long)]
    medium: String,
    /// Where the pool's database is: volume:/dev/…[?offset=BYTES&length=BYTES], or etcds://host:port,…
    #[arg(long)]
    metadata: String,
    /// T, in seconds: how long a host may be silent. 3 to 300
    #[arg(long, default_value_t = 15)]
    timeout: u64,
    /// Whether a strict majority lives when the medium is out of reach, instead of whoever has it
    #[arg(long)]
    majority: bool,
    /// After so many failures a host is in the pool again, and takes no VMs until it has been quiet for long; 0: never
    #[arg(long, value_name = "FAILURES", default_value_t = 3)]
    quarantine: u8,
    /// How long hosts' certificates live, in seconds; agents ask for the next one when two thirds of that are over
    #[arg(long, value_name = "SECONDS", default_value_t = HOST_LIVES.as_secs(), value_parser = clap::value_parser!(u64).range(15..=315_360_000))]
    certificates_live: u64,
    /// Write over what is on the volumes. It is lost
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    etcd: EtcdArguments,
}

/// Why no pool was made.
#[derive(Debug, thiserror::Error)]
pub enum InitFault {
    /// The arguments.
    #[error("{0}")]
    Arguments(String),
    /// This host's files.
    #[error(transparent)]
    Enrol(#[from] EnrolFault),
    /// The medium.
    #[error(transparent)]
    Medium(#[from] MediumFault),
    /// The metadata volume.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The store.
    #[error("the pool's database cannot be made: {0}")]
    Store(#[from] StoreError),
    /// Certificates.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// No randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// JSON.
    #[error("the pool's beginning cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl Init {
    pub(super) fn carry_out(&self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        let said = self.make(around).map_err(|fault| Trouble::Other(fault.to_string()))?;
        for line in said {
            output.say(line)?;
        }
        Ok(())
    }

    fn make(&self, around: &Surroundings) -> Result<Vec<String>, InitFault> {
        self.host.check().map_err(InitFault::Arguments)?;
        let places = Places::of(&around.config_path, &self.host.state_directory);
        places.check_free()?;
        let medium = medium::parse(&self.medium)?;
        let metadata = self.metadata_address()?;
        Self::check_apart(&medium, &metadata)?;
        let (mut pool_id, mut key) = ([0; 16], [0; 32]);
        getrandom::fill(&mut pool_id)?;
        getrandom::fill(&mut key)?;
        let now = clock::wall();
        let authority = Authority::found(&self.host.pool, now)?;
        let roster = self.roster(&pool_id, &authority);
        roster.check().map_err(|fault| InitFault::Arguments(fault.to_string()))?;
        let request = Request::new()?;
        let lives = Duration::from_secs(self.certificates_live);
        let chain_pem = authority.sign(&request.csr_pem()?, &roster, 0, now, lives)?;
        let keys = [PoolKey::new(1, &key)];
        if let MediumPlace::Statefile { path, offset } = &medium {
            medium::check_statefile(path, *offset, self.overwrite)?;
        }
        places.check_writable()?;
        // All that can refuse has been asked: from here on things are written that others see.
        if let StoreAddress::Volume { path, offset, length } = &metadata {
            volume::format(path, *offset, *length, pool_id, self.overwrite)?;
        }
        if let MediumPlace::Statefile { path, offset } = &medium {
            medium::make_statefile(path, *offset, lifeboat_protocol::medium::PoolId(pool_id))?;
        }
        let founding = Founding {
            roster: roster.clone(),
            medium: medium.clone(),
            metadata: self.metadata.clone(),
            authority_pem: authority.certificate_pem().to_owned(),
            authority_key_pem: authority.key_pem(),
            keys: keys.to_vec(),
            certificates_live_s: self.certificates_live,
        };
        self.found(&metadata, pool_id, &founding)?;
        let membership = Membership {
            host: &self.host,
            etcd: &self.etcd,
            medium: &medium,
            metadata: &self.metadata,
            roster: &roster,
            keys: &keys,
            chain_pem: &chain_pem,
            key_pem: &request.key_pem(),
            authorities_pem: authority.certificate_pem(),
        };
        membership.write(&places)?;
        Ok(self.report(around, &places, &authority))
    }

    fn metadata_address(&self) -> Result<StoreAddress, InitFault> {
        let address: StoreAddress = self.metadata.parse()?;
        match &address {
            StoreAddress::File(path) => Err(InitFault::Arguments(format!(
                "--metadata {}: a file of one host cannot follow the coordinator to another: volume:{0}, if it is on a shared volume",
                path.display()
            ))),
            StoreAddress::Volume { path, .. } if !path.is_absolute() => {
                Err(InitFault::Arguments("--metadata volume: needs a path that begins with /".into()))
            }
            _ => Ok(address),
        }
    }

    /// One device may hold both, not in one place.
    fn check_apart(medium: &MediumPlace, metadata: &StoreAddress) -> Result<(), InitFault> {
        let (
            MediumPlace::Statefile { path, offset },
            StoreAddress::Volume { path: other, offset: begins, length },
        ) = (medium, metadata)
        else {
            return Ok(());
        };
        let overlap =
            *offset < begins.saturating_add(*length) && *begins < offset.saturating_add(REGION as u64);
        if path == other && overlap {
            return Err(InitFault::Arguments(format!(
                "statefile and metadata volume overlap on {}: --metadata 'volume:{}?offset={}' puts the volume behind the statefile",
                path.display(),
                path.display(),
                offset + REGION as u64
            )));
        }
        Ok(())
    }

    fn roster(&self, pool_id: &[u8; 16], authority: &Authority) -> Roster {
        let hex = pool_id.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        Roster {
            version: 1,
            pool: self.host.pool.clone(),
            pool_id: hex,
            networks: self.host.networks.iter().map(|network| network.name.clone()).collect(),
            settings: LivenessSettings {
                timeout_ms: self.timeout.saturating_mul(1000),
                majority: self.majority,
                quarantine_failures: self.quarantine,
                ..LivenessSettings::default()
            },
            hosts: vec![Member {
                id: self.host.host.clone(),
                addresses: self.host.addresses(),
                api: self.host.api.clone(),
                removed: false,
            }],
            authorities: vec![authority.certificate_pem().to_owned()],
        }
    }

    /// Leaves to the first term what it needs.
    fn found(&self, metadata: &StoreAddress, pool: [u8; 16], founding: &Founding) -> Result<(), InitFault> {
        let options = Options {
            ca_file: self.etcd.etcd_ca_file.clone(),
            certificate_file: self.etcd.etcd_certificate_file.clone(),
            key_file: self.etcd.etcd_key_file.clone(),
            user: self.etcd.etcd_user.clone(),
            password_file: self.etcd.etcd_password_file.clone(),
            tenure: Some(Tenure { pool, epoch: 0 }),
            ..Options::default()
        };
        let store: Box<dyn Store> = lifeboat_store::open(metadata, &options)?;
        let us = Candidate { name: self.host.host.clone(), address: self.host.api.clone() };
        let wait = store.lease().unwrap_or_default() + Duration::from_secs(1);
        let term = store.campaign(&us, wait)?.ok_or_else(|| StoreError::InUse(self.metadata.clone()))?;
        let mut batch = Batch::default();
        // Nothing of an earlier pool lives on in this one: no token, no VM, no setting.
        let everything = Key::of(&[]);
        let mut last: Option<Key> = None;
        loop {
            let page = store.scan(&everything, last.as_ref(), PAGE)?;
            for record in &page {
                batch.delete(record.key.clone());
            }
            if !(batch.writes.is_empty() || self.overwrite) {
                return Err(StoreError::NotEmpty(self.metadata.clone()).into());
            }
            if page.len() < PAGE {
                break;
            }
            last = page.last().map(|record| record.key.clone());
        }
        batch.put(Key::of(&[FOUNDING]), serde_json::to_vec(founding)?);
        store.commit(term, &batch)?;
        Ok(store.resign(term)?)
    }

    fn report(&self, around: &Surroundings, places: &Places, authority: &Authority) -> Vec<String> {
        let print: Vec<String> = authority.fingerprint().iter().map(|byte| format!("{byte:02x}")).collect();
        vec![
            format!("Pool {} is made; this host, {}, is its first.", self.host.pool, self.host.host),
            format!("  medium      {}", self.medium),
            format!("  database    {}", self.metadata),
            format!("  authority   SHA-256 {}", print.concat()),
            format!("  agent       {}", around.config_path.display()),
            format!("  service     {}", places.service().display()),
            String::new(),
            "Check this host, and start its agent:".to_owned(),
            "  lifeboat-agent doctor".to_owned(),
            "  systemctl enable --now lifeboat-agent".to_owned(),
            "Then invite the next host:".to_owned(),
            format!("  lifeboat host invite --pool {}", self.host.pool),
        ]
    }
}

#[cfg(test)]
mod tests;
