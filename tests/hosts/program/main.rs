//! `lab-host`: what a host of the lab is driven by. `init FOLDER` is its pid 1; `power FOLDER get|on|off` its power switch, which the
//! BMC's simulator calls too; `tell SOCKET LINE` asks an agent; `mind FOLDER` removes
//! the lab when whoever started it has gone.
mod init;
mod watchdog;

use lifeboat_lab::host::Host;
use lifeboat_lab::ledger::Ledger;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["init", folder] => init::run(Path::new(folder)),
        ["power", folder, wish] => power(Path::new(folder), wish),
        ["chassis", lab, host, "get", "power"] => power(&Path::new(lab).join(host), "get"),
        ["chassis", lab, host, "set", "power", "1"] => power(&Path::new(lab).join(host), "on"),
        ["chassis", lab, host, "set", "power", _] => power(&Path::new(lab).join(host), "off"),
        ["tell", socket, line] => tell(Path::new(socket), line),
        ["mind", folder] => mind(Path::new(folder)),
        _ => {
            Err("init FOLDER, power FOLDER get|on|off, chassis LAB HOST get|set power [0|1], or mind FOLDER"
                .into())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // Its console; there is no other place for this.
            let _ = writeln!(std::io::stderr(), "lab-host {words:?}: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// Why a word was not carried out.
type Fault = Box<dyn std::error::Error>;

fn power(folder: &Path, wish: &str) -> Result<(), Fault> {
    let host = Host::of(folder)?;
    match wish {
        "get" => writeln!(std::io::stdout(), "power:{}", u8::from(host.is_on()))?,
        "on" if host.is_on() => {}
        "on" => host.power_on()?,
        _ if host.power_off() => {}
        _ => return Err("the host does not end".into()),
    }
    Ok(())
}

/// Says a line to a socket, and prints the line that it answers.
fn tell(socket: &Path, line: &str) -> Result<(), Fault> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(15)))?;
    stream.write_all(format!("{line}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    std::io::stdout().write_all(answer.as_bytes())?;
    Ok(())
}

/// Waits until the other end of standard input is gone, then removes the lab.
fn mind(folder: &Path) -> Result<(), Fault> {
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing)?;
    Ledger::of(folder).remove();
    Ok(())
}
