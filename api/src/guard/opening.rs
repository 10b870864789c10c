//! The first bytes of an encrypted connection, by which the server tells HTTP/1 from HTTP/2. The library waits for them for
//! ever; here they have a deadline, so that whoever says nothing holds no place.
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What HTTP/2 begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection that must say in time which protocol it speaks. Afterwards that protocol's own deadlines hold.
#[derive(Debug)]
pub struct Opening<S> {
    stream: S,
    /// None once it is known what is spoken.
    deadline: Option<Pin<Box<Sleep>>>,
    /// How much of the preface has come.
    seen: usize,
}

impl<S> Opening<S> {
    /// A connection that has so much time from now on.
    pub fn new(stream: S, time: Duration) -> Self {
        Self { stream, deadline: Some(Box::pin(sleep(time))), seen: 0 }
    }

    fn note(&mut self, bytes: &[u8]) {
        let rest = PREFACE.get(self.seen..).unwrap_or_default();
        let bytes = bytes.get(..rest.len()).unwrap_or(bytes);
        self.seen += bytes.len();
        if !rest.starts_with(bytes) || self.seen == PREFACE.len() {
            self.deadline = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let Some(deadline) = &mut this.deadline else { return read };
        if read.is_pending() {
            return deadline.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        this.note(buffer.filled().get(before..).unwrap_or_default());
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::io::Write;
    use tokio::net::{TcpListener, TcpStream};

    /// What reading comes to when a client has sent this and is silent since: the bytes, and whether time ran out.
    fn silent_after(sent: &[u8]) -> (usize, bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            let mut client = std::net::TcpStream::connect(address).expect("it listens");
            client.write_all(sent).expect("sent");
            let (stream, _) = listener.accept().await.expect("a client");
            let mut opening = Opening::new(stream, Duration::from_millis(50));
            let mut bytes = 0;
            while bytes < sent.len() {
                bytes += read(&mut opening).await.expect("what was sent");
            }
            if opening.deadline.is_none() {
                return (bytes, false);
            }
            let ended = read(&mut opening).await.expect_err("nothing more comes");
            (bytes, ended.kind() == io::ErrorKind::TimedOut)
        })
    }

    async fn read(opening: &mut Opening<TcpStream>) -> io::Result<usize> {
        let mut bytes = [0; 64];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|cx| Pin::new(&mut *opening).poll_read(cx, &mut buffer)).await?;
        Ok(buffer.filled().len())
    }

    #[test]
    fn whoever_does_not_say_what_it_speaks_runs_out_of_time() {
        assert_eq!(silent_after(b""), (0, true));
        assert_eq!(silent_after(b"P"), (1, true));
        assert_eq!(silent_after(&PREFACE[..23]), (23, true));
        assert_eq!(silent_after(PREFACE), (24, false), "HTTP/2 has deadlines of its own");
        assert_eq!(silent_after(b"POST"), (4, false), "and so has HTTP/1");
    }
}
