//! A backup of everything that is kept, as of one moment, while the service goes on.
use super::admit::Actor;
use crate::error::ApiError;
use crate::service::Service;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use lifeboat_store::Batch;
use std::io::{self, Write};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Pieces that wait for a slow reader.
const PIECES: usize = 16;
/// Bytes of a piece.
const PIECE: usize = 64 << 10;

/// Back up everything that is kept
#[utoipa::path(
    get,
    path = "/v1/backup",
    responses((status = 200, description = "The backup, for `lifeboat store restore`; if it is cut short, restoring refuses it",
        content_type = "application/octet-stream"))
)]
pub(crate) async fn backup(State(service): State<Service>, actor: Actor) -> Result<Response, ApiError> {
    let engine = service.engine()?;
    let mut batch = Batch::default();
    // Before the first byte: whoever has a backup stands in the log, and in the backup itself.
    engine.audit().add(&mut batch, &actor.did("backup", "store"));
    engine.keep(batch).await?;
    let store = Arc::clone(engine.store());
    let (pieces, mut read) = mpsc::channel::<io::Result<Bytes>>(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut out = Pieces { pieces: pieces.clone(), piece: Vec::with_capacity(PIECE) };
        let written = store.backup(&mut out).map_err(io::Error::other).and_then(|()| out.flush());
        if let Err(error) = written {
            tracing::error!(%error, "a backup was cut short");
            // The reader sees a broken answer, not a short one.
            let _ = pieces.blocking_send(Err(error));
        }
    });
    let body = Body::from_stream(stream::poll_fn(move |context| read.poll_recv(context)));
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CONTENT_DISPOSITION, "attachment; filename=\"lifeboat.backup\""),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

/// Hands what is written to the answer's body, piece by piece.
struct Pieces {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.pieces
            .blocking_send(Ok(piece.into()))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader has gone"))
    }
}
