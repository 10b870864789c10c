//! One connection to the service that is kept open: a thin client, so that most of the machine is left to the service.
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::error::Error;
use tokio::net::TcpStream;

/// What can go wrong.
pub(crate) type Trouble = Box<dyn Error + Send + Sync>;

/// A connection.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    server: String,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(server: &str) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(server)
            .await
            .map_err(|error| format!("cannot reach {server}: {error}; is `lifeboat serve` running?"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // A connection that ends is seen by whoever uses it next.
            let _ = connection.await;
        });
        Ok(Self { sender, server: server.to_owned() })
    }

    /// Sends a request and gives the answer's head; the body follows.
    pub(crate) async fn open(
        &mut self,
        method: Method,
        path: &str,
        accept: &str,
        body: Vec<u8>,
    ) -> Result<Response<hyper::body::Incoming>, Trouble> {
        let mut request =
            Request::builder().method(method).uri(path).header(HOST, &self.server).header(ACCEPT, accept);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if body.starts_with(&[0x1F, 0x8B]) {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        self.sender.ready().await?;
        Ok(self.sender.send_request(request.body(Full::new(body.into()))?).await?)
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(u16, Bytes), Trouble> {
        let answer = self.open(method, path, "application/json", body).await?;
        let status = answer.status().as_u16();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// Reads a document; anything but success is an error.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Value, Trouble> {
        let (status, body) = self.send(Method::GET, path, Vec::new()).await?;
        if status != 200 {
            return Err(format!("GET {path}: {status} {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(serde_json::from_slice(&body)?)
    }
}
