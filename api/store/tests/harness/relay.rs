//! A network between a client and one member of etcd that spoils one chosen request: it loses it, loses its answer, or
//! brings it late, and may stay dark after that until it is told otherwise.
use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// What happens to the chosen request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never arrives.
    LoseRequest,
    /// It arrives, and its answer does not.
    LoseAnswer,
    /// The client hears nothing, and it arrives after so many later ones were answered.
    Late(u64),
}

/// Which request is spoilt, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Counted from 0.
    pub(crate) request: u64,
    pub(crate) fault: Fault,
    /// Whether nothing gets through afterwards, until [`Relay::light`].
    pub(crate) dark: bool,
}

/// The network.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    port: u16,
}

struct Shared {
    member: String,
    plan: Option<Plan>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    asked: u64,
    answered: u64,
    dark: bool,
    closed: bool,
    late: u32,
}

impl Relay {
    /// Between a client and this member.
    pub(crate) fn to(member: &str, plan: Option<Plan>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { member: member.to_owned(), plan, state, changed });
        let listening = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if listening.state().closed {
                    return;
                }
                let shared = Arc::clone(&listening);
                // A client that goes away in the middle is none of our business.
                std::thread::spawn(move || client.and_then(|client| shared.relay(client)));
            }
        });
        Self { shared, port }
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.state().asked
    }

    /// Lets requests through again.
    pub(crate) fn light(&self) {
        self.shared.state().dark = false;
    }

    /// Brings what is late now, and waits until it has arrived.
    pub(crate) fn bring_late(&self) {
        let mut state = self.shared.state();
        state.answered = u64::MAX / 2;
        self.shared.changed.notify_all();
        while state.late > 0 {
            state = self.shared.wait(state);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        // Wakes whoever listens, who then sees that it is over.
        let _ = TcpStream::connect(self.endpoint());
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, Duration::from_secs(30)).expect("nobody panics with it").0
    }

    fn relay(&self, mut client: TcpStream) -> Result<()> {
        let request = read_request(&mut client)?;
        let (number, dark) = {
            let mut state = self.state();
            let (number, dark) = (state.asked, state.dark);
            state.asked += 1;
            (number, dark)
        };
        if dark {
            return client.shutdown(Shutdown::Both);
        }
        match self.plan.filter(|plan| plan.request == number) {
            None => {
                let answer = self.forward(&request)?;
                client.write_all(&answer)?;
                client.shutdown(Shutdown::Both)?;
                self.state().answered += 1;
                self.changed.notify_all();
            }
            Some(plan) => self.spoil(plan, &client, &request)?,
        }
        Ok(())
    }

    fn spoil(&self, plan: Plan, client: &TcpStream, request: &[u8]) -> Result<()> {
        let due = {
            let mut state = self.state();
            state.dark = plan.dark;
            state.late += u32::from(matches!(plan.fault, Fault::Late(_)));
            state.answered
        };
        if plan.fault == Fault::LoseAnswer {
            self.forward(request)?;
        }
        client.shutdown(Shutdown::Both)?;
        if let Fault::Late(later) = plan.fault {
            let mut state = self.state();
            while state.answered < due + later {
                state = self.wait(state);
            }
            drop(state);
            let arrived = self.forward(request);
            self.state().late -= 1;
            self.changed.notify_all();
            arrived?;
        }
        Ok(())
    }

    /// Asks the member, and reads its answer to the end.
    fn forward(&self, request: &[u8]) -> Result<Vec<u8>> {
        let mut member = TcpStream::connect(&self.member)?;
        member.write_all(request)?;
        let mut answer = Vec::new();
        member.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Reads a request whole, and asks for the connection to be closed behind it.
fn read_request(client: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        if let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
            if bytes.len() >= head + 4 + length {
                bytes.splice(head..head, *b"\r\nConnection: close");
                return Ok(bytes);
            }
        }
        match client.read(&mut chunk)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}
