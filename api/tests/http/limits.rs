//! What happens at the bounds of the service.
use super::{body, example, post, service};
use axum::http::{StatusCode, header};
use flate2::{Compression, write::GzEncoder};
use lifeboat::error::ApiError;
use lifeboat::service::{Service, ServiceSettings};
use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let service = Service::new(ServiceSettings { most_packed: 100, ..ServiceSettings::default() });
    let response = post(&service, "/v1/plan", example("three-hosts")).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(body(response).await["code"], "too-large");
}

#[tokio::test]
async fn a_body_that_unpacks_to_too_much_is_refused() {
    let service = Service::new(ServiceSettings { most_unpacked: 100_000, ..ServiceSettings::default() });
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b' '; 10_000_000]).expect("memory does not fail");
    let response = post(&service, "/v1/plan", bomb.finish().expect("memory does not fail")).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_the_queue_full_is_told_at_once_to_come_again() {
    let service = Service::new(ServiceSettings { workers: 1, waiting: 0, ..ServiceSettings::default() });
    let (release, held) = mpsc::channel::<()>();
    let (started, starts) = mpsc::channel();
    let busy = service.clone();
    let job = tokio::spawn(async move {
        busy.compute(Duration::from_mins(1), move |_| {
            started.send(()).map_err(|_| ApiError::Internal)?;
            held.recv().map_err(|_| ApiError::Internal)
        })
        .await
    });
    starts.recv().expect("the job starts");
    let response = post(&service, "/v1/plan", example("three-hosts")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()[header::RETRY_AFTER], "10");
    assert_eq!(body(response).await["code"], "overloaded");
    release.send(()).expect("the job waits");
    job.await.expect("no panic").expect("the job ends");
    assert_eq!(post(&service, "/v1/plan", example("three-hosts")).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_caller_went_away_is_told_to_stop() {
    let service = service();
    let (started, starts) = mpsc::channel();
    let (stopped, stops) = mpsc::channel();
    let busy = service.clone();
    let caller = tokio::spawn(async move {
        busy.compute(Duration::from_hours(1), move |stop| {
            started.send(()).map_err(|_| ApiError::Internal)?;
            while !stop.reached(1.0) {
                std::hint::spin_loop();
            }
            stopped.send(()).map_err(|_| ApiError::Internal)
        })
        .await
    });
    starts.recv().expect("the job starts");
    caller.abort();
    stops.recv_timeout(Duration::from_secs(30)).expect("the job stops");
}

#[tokio::test]
async fn a_defect_costs_one_answer_and_not_the_service() {
    let service = Service::new(ServiceSettings { workers: 1, waiting: 0, ..ServiceSettings::default() });
    for _ in 0..3 {
        let answer =
            service.compute(Duration::from_secs(1), |_| -> Result<(), _> { panic!("a defect") }).await;
        assert!(matches!(answer, Err(ApiError::Internal)));
    }
    assert_eq!(post(&service, "/v1/plan", example("three-hosts")).await.status(), StatusCode::OK);
}
