//! The listening socket: connections in, the router behind it, and an orderly end.
use crate::router::router;
use crate::service::{Service, ServiceSettings};
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// How long requests under way may take to end when the service is told to.
const GRACE: Duration = Duration::from_secs(10);

/// Serves on `listener` until `end` comes, then lets what is under way end.
///
/// # Errors
/// Those of the socket.
pub async fn serve(
    listener: TcpListener,
    settings: ServiceSettings,
    end: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let head_time = settings.head_time;
    let handle: Handle<SocketAddr> = Handle::new();
    let ending = handle.clone();
    tokio::spawn(async move {
        end.await;
        ending.graceful_shutdown(Some(GRACE));
    });
    let mut server = axum_server::from_tcp(listener)?.handle(handle);
    // A client that sends its head a byte a minute would else hold its connection for ever.
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(head_time);
    server.serve(router(Service::new(settings)).into_make_service()).await
}
