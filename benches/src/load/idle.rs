//! Many readers of the event log that nothing is told: what they cost the service in memory.
use super::client::{Client, Trouble};
use super::{Service, target};
use hyper::Method;
use std::fs;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    service: Service,
    /// The pool document
    #[arg(long)]
    document: PathBuf,
    /// Readers
    #[arg(long, default_value_t = 5000)]
    readers: usize,
    /// The service's process, whose memory is looked at
    #[arg(long)]
    process: u32,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<String, Trouble> {
    let pool = target::import(&arguments.service, &arguments.document).await?;
    let before = resident_mib(arguments.process)?;
    let path = format!("/v1/pools/{}/events", arguments.service.pool);
    let mut readers = Vec::with_capacity(arguments.readers);
    for _ in 0..arguments.readers {
        let mut client = Client::connect(&arguments.service.server).await?;
        let answer = client.open(Method::GET, &path, "text/event-stream", Vec::new()).await?;
        if answer.status() != 200 {
            return Err(format!("reader {} was refused: {}", readers.len(), answer.status()).into());
        }
        readers.push((client, answer));
    }
    let after = resident_mib(arguments.process)?;
    Ok(format!(
        "{} readers of a pool of {} VMs: {after} MiB resident, {before} MiB before",
        readers.len(),
        pool.vms().len()
    ))
}

fn resident_mib(process: u32) -> Result<u64, Trouble> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024)
}
