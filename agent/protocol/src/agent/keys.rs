//! Changing the pool's key without downtime: the leader sends the new key ahead, under the one in use; when every member
//! holds it where its next start finds it, the next configuration changes to it; older keys open datagrams until every member has
//! adopted that. A host that was no member meanwhile fetches the key from the pool's service; its shell does that.
use super::Agent;
use crate::Command;
use crate::configuration::Configuration;
use crate::input::Operator;
use crate::medium::Medium;
use crate::message::{Message, NewKey};
use alloc::vec::Vec;
use lifeboat_model::HostIndex;

impl<M: Medium> Agent<M> {
    /// The leader's part: changes to the newest key once every member holds it.
    pub(super) fn tend_key(&self, next: &mut Configuration) {
        let newest = self.keyring.newest();
        let holds = |host: HostIndex| {
            if host == self.me {
                return self.kept_key == newest;
            }
            self.peers[host.get()].status().is_some_and(|status| status.newest_key == newest)
        };
        let members: Vec<HostIndex> = next.members().map(|(host, _)| host).collect();
        if newest > next.key_epoch && members.into_iter().all(holds) {
            next.key_epoch = newest;
        }
    }

    /// Takes a new key from the operator, or passes the newest on to members that lack it; with each round of heartbeats.
    pub(super) fn pass_key_on(&mut self) {
        if !self.leads() {
            return;
        }
        if let Some(position) = self.wanted.iter().position(|wish| matches!(wish, Operator::RotateKey { .. }))
            && let Some(key_epoch) = self.keyring.next_epoch(self.epoch())
            && let Operator::RotateKey { key } = self.wanted.remove(position)
        {
            self.keep_key(NewKey { key_epoch, key });
        }
        let key_epoch = self.keyring.newest();
        let Some(key) = self.keyring.key(key_epoch).copied() else { return };
        let lacking: Vec<HostIndex> = self.hosts().filter(|&host| self.lacks_key(host, key_epoch)).collect();
        for to in lacking {
            self.transmit_everywhere(to, &Message::NewKey(NewKey { key_epoch, key }));
        }
    }

    fn lacks_key(&self, host: HostIndex, key_epoch: u32) -> bool {
        let status = self.peers[host.get()].status();
        let member = self.adopted.as_ref().is_some_and(|known| known.standing(host).member_boot().is_some());
        host != self.me && member && status.is_some_and(|status| status.newest_key < key_epoch)
    }

    /// Takes a key that the leader sent ahead.
    pub(super) fn take_new_key(&mut self, from: HostIndex, key: NewKey) {
        let leader = self.adopted.as_ref().is_some_and(|known| known.leader == from);
        if leader && key.key_epoch > self.keyring.newest() {
            self.keep_key(key);
        }
    }

    /// A key that would not survive this process is not one that the pool may change to (it would lose this host with an update).
    pub(super) fn take_kept_key(&mut self, key: &NewKey) {
        // One that is older than the key in use is of no use; of one epoch there are no two keys.
        let _ = self.keyring.add_next(key.key_epoch, key.key);
        if self.keyring.key(key.key_epoch) == Some(&key.key) {
            self.kept_key = self.kept_key.max(key.key_epoch);
        }
    }

    fn keep_key(&mut self, key: NewKey) {
        if self.keyring.add_next(key.key_epoch, key.key).is_ok() {
            self.command(Command::KeepKey(key));
        }
    }

    /// Sends under the key that was agreed; forgets older ones when nobody uses them any more.
    pub(super) fn use_agreed_key(&mut self) {
        let Some(known) = &self.adopted else { return };
        let (agreed, number) = (known.key_epoch, known.number);
        let switched = |host: HostIndex| {
            host == self.me || self.peers[host.get()].adopted.is_some_and(|(adopted, _)| adopted >= number)
        };
        let all = known.members().all(|(host, _)| switched(host));
        if self.keyring.sending() != agreed && self.keyring.switch_to(agreed).is_err() {
            // The key was never received: this host is deaf until its shell is given it.
            return;
        }
        if all {
            self.keyring.drop_older();
        }
    }
}
