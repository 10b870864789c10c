//! `lifeboat-agent join`: makes this host a member of a pool, with a one-time token.
use super::output::Output;
use super::{Surroundings, Trouble};
use crate::enrol::call::{CallFault, Caller};
use crate::enrol::files::Places;
use crate::enrol::{EnrolFault, EtcdArguments, HostArguments, Membership};
use lifeboat_link::certificate::{CertificateError, Request};
use lifeboat_link::join::{self, Invitation, JoinAnswer, JoinRequest, NoInvitation};
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

/// Join a pool with a one-time token of `lifeboat host invite`
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lifeboat-agent join --server https://10.0.0.1:7878 --pool prod-a --host h02 \\\n    --network hb0=10.0.0.2:7946,eth0 --api https://10.0.0.2:7878\n  lifeboat-agent join --token-file /root/token ..."
)]
pub struct Join {
    /// A host of the pool, as https://HOST:PORT
    #[arg(long, value_name = "URL")]
    server: String,
    /// A file with the token; - is standard input. In an argument others on this machine would see it
    #[arg(long, value_name = "FILE", default_value = "-")]
    token_file: PathBuf,
    #[command(flatten)]
    host: HostArguments,
    #[command(flatten)]
    etcd: EtcdArguments,
}

/// Why this host did not join. Nothing is left of the attempt; whether the service counts the host already, the next attempt with the same
/// name shows.
#[derive(Debug, thiserror::Error)]
pub enum JoinFault {
    /// The arguments.
    #[error("{0}")]
    Arguments(String),
    /// The token cannot be read.
    #[error("the token cannot be read from {}: {source}", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The token.
    #[error(transparent)]
    Token(#[from] NoInvitation),
    /// The request.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The service.
    #[error(transparent)]
    Call(#[from] CallFault),
    /// No TLS.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// What the service gave cannot be used.
    #[error("what the service answers cannot be used: {0}; nothing was written. Are both of one version?")]
    Answer(String),
    /// This host's files.
    #[error(transparent)]
    Enrol(#[from] EnrolFault),
    /// JSON.
    #[error("the request cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl Join {
    pub(super) fn carry_out(&self, around: &Surroundings, output: &mut Output<'_>) -> Result<(), Trouble> {
        if self.is_typed() {
            output.note("the token that `lifeboat host invite` has printed:");
        }
        let answer = self.join(around).map_err(|fault| Trouble::Other(fault.to_string()))?;
        let hosts = answer.roster.hosts.iter().filter(|host| !host.removed).count();
        output.say(format!(
            "{} has joined pool {}, which has {hosts} hosts now.",
            self.host.host, answer.roster.pool
        ))?;
        output.say("Check this host, and start its agent:\n  lifeboat-agent doctor\n  systemctl enable --now lifeboat-agent")?;
        Ok(())
    }

    fn join(&self, around: &Surroundings) -> Result<JoinAnswer, JoinFault> {
        self.host.check().map_err(JoinFault::Arguments)?;
        let places = Places::of(&around.config_path, &self.host.state_directory);
        // Before the token is spent.
        places.check_free()?;
        let invitation = self.invitation()?;
        let request = Request::new()?;
        let ask = JoinRequest {
            token: invitation.credential(),
            host: self.host.host.clone(),
            addresses: self.host.addresses(),
            networks: self.host.networks.iter().map(|network| network.name.clone()).collect(),
            api: self.host.api.clone(),
            csr_pem: request.csr_pem()?,
        };
        let body = serde_json::to_vec(&ask)?;
        let caller = Caller::knowing(invitation.fingerprint)?;
        let answer = caller.post(&self.server, &join::path(&self.host.pool), &body)?;
        let answer: JoinAnswer =
            serde_json::from_slice(&answer).map_err(|fault| JoinFault::Answer(fault.to_string()))?;
        self.check(&answer)?;
        let membership = Membership {
            host: &self.host,
            etcd: &self.etcd,
            medium: &answer.medium,
            metadata: &answer.metadata,
            roster: &answer.roster,
            keys: &answer.keys,
            chain_pem: &answer.chain_pem,
            key_pem: &request.key_pem(),
            authorities_pem: &answer.authorities_pem,
        };
        membership.write(&places)?;
        Ok(answer)
    }

    fn invitation(&self) -> Result<Invitation, JoinFault> {
        let path = &self.token_file;
        let read = if self.is_typed() { read_line() } else { read(path) };
        let text = read.map_err(|source| JoinFault::TokenFile { path: path.clone(), source })?;
        Ok(text.parse()?)
    }

    /// Whether somebody types the token in, or pastes it.
    fn is_typed(&self) -> bool {
        self.token_file == Path::new("-") && io::stdin().is_terminal()
    }

    fn check(&self, answer: &JoinAnswer) -> Result<(), JoinFault> {
        let wrong = |what: String| Err(JoinFault::Answer(what));
        if let Err(fault) = answer.roster.check() {
            return wrong(fault.to_string());
        }
        let me = answer.roster.hosts.get(answer.me).filter(|member| !member.removed);
        if me.is_none_or(|member| member.id != self.host.host || member.addresses != self.host.addresses()) {
            return wrong("its roster does not have this host as it is".into());
        }
        if !answer.chain_pem.contains("BEGIN CERTIFICATE")
            || !answer.authorities_pem.contains("BEGIN CERTIFICATE")
        {
            return wrong("it has no certificate".into());
        }
        Ok(())
    }
}

/// The most bytes that a token's file has.
const MOST_BYTES: u64 = 4096;

/// One line, since nobody who pastes one ends the file.
fn read_line() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().lock().take(MOST_BYTES).read_line(&mut text)?;
    Ok(text)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    if path == Path::new("-") {
        io::stdin().take(MOST_BYTES).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
