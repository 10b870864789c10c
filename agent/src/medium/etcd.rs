//! etcd as the medium: one transaction a request, by the client that the store has.
use super::Worker;
use crate::config::MediumSection;
use lifeboat_protocol::medium::{Answer, KeyValue, Request};
use lifeboat_store::etcd::transactions::Transactions;
use lifeboat_store::{Options, StoreError};
use std::time::Duration;

/// The longest that a request may take.
const LONGEST: Duration = Duration::from_secs(2);

/// etcd, as one host works on it.
#[derive(Debug)]
pub(super) struct Etcd {
    transactions: Transactions,
}

impl Etcd {
    /// By the configuration, for a pool of timeout T. Each request fails well before the lease could: several fit into T.
    pub(super) fn new(section: &MediumSection, timeout: Duration) -> Result<Self, StoreError> {
        let MediumSection::Etcd { endpoints, tls, ca_file, certificate_file, key_file, user, password_file } =
            section
        else {
            return Err(StoreError::BadAddress("the medium is no etcd".to_owned()));
        };
        let options = Options {
            timeout: (timeout / 5).min(LONGEST),
            ca_file: ca_file.clone(),
            certificate_file: certificate_file.clone(),
            key_file: key_file.clone(),
            user: user.clone(),
            password_file: password_file.clone(),
            ..Options::default()
        };
        Ok(Self { transactions: Transactions::new(endpoints, *tls, &options)? })
    }
}

impl Worker for Etcd {
    fn carry_out(&mut self, request: &Request) -> Result<Answer, String> {
        let Request::Transaction { guard, put_if, put, get_prefix } = request else {
            return Err("a request of the protocol for another medium".to_owned());
        };
        let guard = guard.as_ref().map(|(key, revision)| (key.as_str(), *revision));
        let put_if: Vec<_> = put_if.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect();
        let put: Vec<_> = put.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect();
        let done = self.transactions.transact(guard, &put_if, &put, get_prefix);
        let (guard_held, standing) = done.map_err(|fault| fault.to_string())?;
        let values = standing.into_iter().map(|standing| {
            let key = String::from_utf8(standing.key).map_err(|_| "a key of ours is no text".to_owned())?;
            Ok(KeyValue { key, value: standing.value, mod_revision: standing.mod_revision })
        });
        Ok(Answer::Transaction { guard_held, values: values.collect::<Result<_, String>>()? })
    }
}
