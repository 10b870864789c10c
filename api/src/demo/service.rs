//! The service under the demo: the product's own, as `lifeboat serve` starts it, with its store in a file that has no name
//! any more.
use super::sink::ServedPool;
use super::terminal::Input;
use crate::config::{Config, Secrets};
use crate::engine::PoolHandle;
use crate::engine::pools::CreateError;
use crate::guard::Guard;
use crate::service::Service;
use crate::startup::{Startup, StartupError};
use axum::Router;
use lifeboat_model::Pool;
use lifeboat_store::Batch;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// A service with the demo's pool.
#[derive(Debug)]
pub struct DemoService {
    address: SocketAddr,
    runtime: Runtime,
    startup: Option<Startup>,
    service: Service,
    pool: Arc<PoolHandle>,
    serving: Option<Serving>,
}

/// What answers.
#[derive(Debug)]
struct Serving {
    /// Dropped when it is to end.
    end: oneshot::Sender<()>,
    task: JoinHandle<Result<(), StartupError>>,
}

/// Why there is no service.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// There is no place for the store.
    #[error("the store cannot be made in the system's temporary folder")]
    Folder(#[source] io::Error),
    /// It does not start.
    #[error(transparent)]
    Startup(#[from] StartupError),
    /// It does not run.
    #[error("the service cannot run")]
    Run(#[source] io::Error),
    /// It does not take the pool.
    #[error("the service does not take the pool")]
    Create(#[from] CreateError),
    /// It did not begin in time.
    #[error("the service did not begin to lead in time")]
    Slow,
}

/// The port of every service.
pub const USUAL_PORT: u16 = 7878;
/// How long it may take until the service keeps pools.
const LEADS_WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);
/// How long what is under way may take at the end.
const GRACE: Duration = Duration::from_secs(2);

impl DemoService {
    /// Starts it and gives it the pool. It does not answer yet.
    ///
    /// # Errors
    /// If anything that it needs cannot be had.
    pub fn start(port: Option<u16>, pool: Pool) -> Result<Self, ServiceError> {
        let runtime = Builder::new_multi_thread().enable_all().build().map_err(ServiceError::Run)?;
        let startup = match port {
            Some(port) => begin(port)?,
            None => match begin(USUAL_PORT) {
                Err(ServiceError::Startup(StartupError::Listen { .. })) => begin(0)?,
                begun => begun?,
            },
        };
        let address = *startup.addresses.first().ok_or(ServiceError::Slow)?;
        let service = startup.service.clone();
        let pool = runtime.block_on(create(&service, pool))?;
        Ok(Self { address, runtime, startup: Some(startup), service, pool, serving: None })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The demo's pool, as the service keeps it.
    pub fn pool(&self) -> &Arc<PoolHandle> {
        &self.pool
    }

    /// The way in for what happens in the pool.
    pub fn sink(&self) -> ServedPool {
        ServedPool::new(self.service.clone(), Arc::clone(&self.pool), self.runtime.handle().clone())
    }

    /// Answers from now on, the routes of the demo among the others; `inputs` hears when the process is told to end.
    ///
    /// # Errors
    /// Those of the socket, and of signals.
    pub fn serve(&mut self, routes: Router, inputs: Sender<Input>) -> Result<(), ServiceError> {
        let Some(startup) = self.startup.take() else { return Ok(()) };
        let _entered = self.runtime.enter();
        let mut told = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
            .into_iter()
            .map(signal)
            .collect::<io::Result<Vec<_>>>()
            .map_err(ServiceError::Run)?;
        self.runtime.spawn(async move {
            loop {
                let any = told.iter_mut().map(|signal| Box::pin(signal.recv()));
                futures_util::future::select_all(any).await;
                if inputs.send(Input::End).is_err() {
                    return;
                }
            }
        });
        let (end, ended) = oneshot::channel::<()>();
        // Told, or forgotten: either way it ends.
        let end_comes = async move { drop(ended.await) };
        let (_, no_reloads) = mpsc::channel(1);
        let task = self.runtime.spawn(startup.with_routes(routes).run(end_comes, no_reloads));
        self.serving = Some(Serving { end, task });
        Ok(())
    }

    /// Who may call what.
    pub fn guard(&self) -> &Guard {
        self.service.guard()
    }

    /// Lets requests under way end, and then everything else.
    pub fn end(mut self) {
        if let Some(Serving { end, task }) = self.serving.take() {
            drop(end);
            drop(self.runtime.block_on(task));
        }
        self.runtime.shutdown_timeout(GRACE);
    }
}

/// A service on that port of this machine. The name of its store is gone as soon as that is open: whatever becomes of the
/// process, nothing is left behind.
fn begin(port: u16) -> Result<Startup, ServiceError> {
    let folder = tempfile::Builder::new().prefix("lifeboat-demo-").tempdir().map_err(ServiceError::Folder)?;
    let mut config = Config::default();
    config.listen.addresses = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
    config.store.address = folder.path().join("demo.redb").display().to_string();
    let startup = Startup::new(&config, Secrets::default())?;
    folder.close().map_err(ServiceError::Folder)?;
    Ok(startup)
}

/// Gives the pool to the service, as soon as that keeps pools.
async fn create(service: &Service, pool: Pool) -> Result<Arc<PoolHandle>, ServiceError> {
    let mut look = tokio::time::interval(LOOK);
    let leads = async {
        loop {
            look.tick().await;
            if let Ok(engine) = service.engine() {
                return engine;
            }
        }
    };
    let engine = tokio::time::timeout(LEADS_WITHIN, leads).await.map_err(|_| ServiceError::Slow)?;
    Ok(engine.create(pool, Vec::new(), Batch::default()).await?)
}
