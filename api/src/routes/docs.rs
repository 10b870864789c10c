//! `GET /v1/docs/`: the description of the service to be read in a browser. The page is part of the program and needs no other
//! network.
use crate::error::ApiError;
use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::{Config, serve};

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| Arc::new(Config::new(["/v1/openapi.json"])));

/// Leads to the page.
pub(crate) async fn lead() -> Redirect {
    Redirect::permanent("/v1/docs/")
}

/// The page.
pub(crate) async fn page() -> Result<Response, ApiError> {
    part("index.html")
}

/// What the page is made of.
pub(crate) async fn file(Path(file): Path<String>) -> Result<Response, ApiError> {
    part(&file)
}

fn part(name: &str) -> Result<Response, ApiError> {
    let file =
        serve(name, Arc::clone(&CONFIG)).map_err(|_| ApiError::Internal)?.ok_or(ApiError::NoSuchRoute)?;
    Ok(([(CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response())
}
