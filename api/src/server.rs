//! The listening sockets: connections in through the [`Door`], the router behind it, and an orderly end.
use crate::guard::door::Door;
use axum::Router;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tokio::task::JoinSet;

/// How long requests under way may take to end when the service is told to.
const GRACE: Duration = Duration::from_secs(10);

/// What listens.
#[derive(Debug)]
pub struct Server {
    /// The sockets.
    pub listeners: Vec<TcpListener>,
    /// What every connection comes through.
    pub door: Door,
    /// How long a request's head may take.
    pub head_time: Duration,
}

impl Server {
    /// Serves until `end` comes, then lets what is under way end.
    ///
    /// # Errors
    /// Those of the sockets.
    pub async fn serve(
        self,
        router: Router,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let handle: Handle<SocketAddr> = Handle::new();
        let ending = handle.clone();
        tokio::spawn(async move {
            end.await;
            ending.graceful_shutdown(Some(GRACE));
        });
        let mut sockets = JoinSet::new();
        for listener in self.listeners {
            listener.set_nonblocking(true)?;
            let door = self.door.clone().with_patience(self.head_time);
            let mut server = axum_server::from_tcp(listener)?.handle(handle.clone()).acceptor(door);
            if !self.door.speaks_tls() {
                // Where both versions are spoken, the library waits for ever until it can tell which one it is.
                server = server.http1_only();
            }
            // A client that sends its head a byte a minute, or never answers again, would else hold its connection for ever.
            let builder = server.http_builder();
            builder.http1().timer(TokioTimer::new()).header_read_timeout(self.head_time);
            let mut second = builder.http2();
            second.timer(TokioTimer::new());
            second.keep_alive_interval(self.head_time).keep_alive_timeout(self.head_time);
            sockets.spawn(server.serve(router.clone().into_make_service()));
        }
        while let Some(ended) = sockets.join_next().await {
            ended.map_err(io::Error::other)??;
        }
        Ok(())
    }
}
