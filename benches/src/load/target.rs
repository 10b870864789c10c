//! The pool that the load is put on: imported from a document, and what is known of it here, so that what is told and asked
//! makes sense.
use super::Service;
use super::client::{Client, Trouble};
use hyper::Method;
use lifeboat::{dto, source};
use lifeboat_model::Pool;
use std::path::Path;

/// Imports the document under the pool's name and gives the pool.
pub(crate) async fn import(service: &Service, document: &Path) -> Result<Pool, Trouble> {
    let document = source::read(document, source::MOST_FILE_BYTES)?;
    let mut value: serde_json::Value = serde_json::from_slice(&document)?;
    value["id"] = service.pool.clone().into();
    let body = serde_json::to_vec(&value)?;
    let pool = dto::pool::read(&body).map_err(|faults| {
        format!("the document is wrong: {}", faults.first().map(ToString::to_string).unwrap_or_default())
    })?;
    let mut client = Client::connect(&service.server).await?;
    let (status, answer) = client.send(Method::PUT, &format!("/v1/pools/{}", service.pool), body).await?;
    if !(200..300).contains(&status) {
        return Err(format!("the import was refused: {status} {}", String::from_utf8_lossy(&answer)).into());
    }
    Ok(pool)
}
