//! How hosts come into a pool and leave it: one-time invitations, and the one request of a newcomer.
use super::action::Action;
use super::admit::Actor;
use super::pool_actions::without_agents;
use crate::clock;
use crate::conductor::authority::Authorities;
use crate::conductor::enrolment::{
    self, EnrolError, Invited, LONGEST_SPAN, MOST_OPEN, USUAL_SPAN, invitation_key, invitations_key,
};
use crate::conductor::records;
use crate::conductor::rosters::Changing;
use crate::conductor::shell::Conductor;
use crate::engine::once::to_its_end;
use crate::engine::pools::all_under;
use crate::engine::{Engine, Entry, Transition};
use crate::error::ApiError;
use crate::guard::AuditEntry;
use crate::service::Service;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use lifeboat_link::certificate::CertificateError;
use lifeboat_link::join::{JoinAnswer, JoinRequest};
use lifeboat_model::HostIndex;
use lifeboat_store::{Batch, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// What an invitation may be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Invite {
    /// The host that it is for; null: any.
    host: Option<String>,
    /// For how long it holds, in seconds; null: an hour. At most a week.
    expires_in_s: Option<u32>,
}

/// A new invitation.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MadeInvitation {
    /// The whole token, secret included: it is shown this once. It names the fingerprint of the pool's authority as well, by which the
    /// newcomer knows whom it talks to.
    token: String,
    /// What is kept of it.
    invitation: InvitationAnswer,
}

/// An invitation, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InvitationAnswer {
    /// Its id.
    id: String,
    /// Who made it.
    by: String,
    /// The host that it is for; null: any.
    host: Option<String>,
    /// Until when it holds.
    expires_at: String,
}

/// The open invitations.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InvitationList {
    /// By id.
    items: Vec<InvitationAnswer>,
}

impl From<&Invited> for InvitationAnswer {
    fn from(one: &Invited) -> Self {
        Self {
            id: one.id.clone(),
            by: one.by.clone(),
            host: one.host.clone(),
            expires_at: one.expires_at.to_string(),
        }
    }
}

/// Invite a host: a one-time token with which it joins the pool
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/invitations",
    params(("pool" = String, Path, description = "The pool")),
    request_body(content = ref("#/components/schemas/Invite"), content_type = "application/json"),
    responses(
        (status = 201, description = "The token; its secret is shown this once",
            content_type = "application/json", body = ref("#/components/schemas/MadeInvitation")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn invite(
    State(service): State<Service>,
    Path(pool): Path<String>,
    asked: Action<Invite>,
) -> Result<Response, ApiError> {
    asked.insists.not_only()?;
    let engine = service.engine()?;
    let authority = authorities(&service, &pool)?.kept().signs()?;
    let open = kept(&engine, &pool).await?;
    if open.len() >= MOST_OPEN {
        return Err(ApiError::Forbidden {
            code: "too-many-invitations",
            reason: format!(
                "{MOST_OPEN} invitations are open: take some back, or wait until they are out of date"
            ),
        });
    }
    let span = asked.body.expires_in_s.map_or(USUAL_SPAN, |span| SignedDuration::from_secs(i64::from(span)));
    if span.is_zero() || span > LONGEST_SPAN {
        return Err(ApiError::BadBody("expires_in_s must be 1 to 604800".to_owned()));
    }
    let mut random = [0; 40];
    getrandom::fill(&mut random).map_err(|_| ApiError::Internal)?;
    let now = clock::now();
    let (invited, carried) =
        Invited::new(random, authority.fingerprint(), &asked.actor.name, asked.body.host, now + span);
    let mut batch = Batch::default();
    for old in open.iter().filter(|old| old.expires_at <= now) {
        batch.delete(invitation_key(&pool, &old.id));
    }
    batch.put(
        invitation_key(&pool, &invited.id),
        serde_json::to_vec(&invited).map_err(|_| ApiError::Internal)?,
    );
    let did = asked.actor.did("invite-host", format!("pools/{pool}/invitations/{}", invited.id));
    let shown = json!({"host": invited.host, "expires_at": invited.expires_at.to_string()});
    engine.audit().add(&mut batch, &did.with_change(Value::Null, shown));
    engine.keep(batch).await?;
    let made = MadeInvitation { token: carried.to_string(), invitation: (&invited).into() };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(made)).into_response())
}

/// List the open invitations, without their secrets
#[utoipa::path(
    get,
    path = "/v1/pools/{pool}/invitations",
    params(("pool" = String, Path, description = "The pool")),
    responses(
        (status = 200, description = "The invitations", content_type = "application/json",
            body = ref("#/components/schemas/InvitationList")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn list(
    State(service): State<Service>,
    Path(pool): Path<String>,
) -> Result<Json<InvitationList>, ApiError> {
    let engine = service.engine()?;
    service.conductor(&pool).ok_or_else(without_agents)?;
    let now = clock::now();
    let open = kept(&engine, &pool).await?;
    let items = open.iter().filter(|one| one.expires_at > now).map(InvitationAnswer::from).collect();
    Ok(Json(InvitationList { items }))
}

/// Take an invitation back
#[utoipa::path(
    delete,
    path = "/v1/pools/{pool}/invitations/{id}",
    params(("pool" = String, Path, description = "The pool"), ("id" = String, Path, description = "The invitation")),
    responses(
        (status = 204, description = "It is worth nothing any more"),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn take_back(
    State(service): State<Service>,
    Path((pool, id)): Path<(String, String)>,
    actor: Actor,
) -> Result<StatusCode, ApiError> {
    let engine = service.engine()?;
    service.conductor(&pool).ok_or_else(without_agents)?;
    if !kept(&engine, &pool).await?.iter().any(|one| one.id == id) {
        return Err(ApiError::NotFound(format!("there is no invitation {id:?}")));
    }
    let mut batch = Batch::default();
    batch.delete(invitation_key(&pool, &id));
    engine
        .audit()
        .add(&mut batch, &actor.did("take-invitation-back", format!("pools/{pool}/invitations/{id}")));
    engine.keep(batch).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A host joins the pool with a one-time token
///
/// Called by `lifeboat-agent join`. The token in the body says who may.
#[utoipa::path(
    post,
    path = "/v1/pools/{pool}/join",
    params(("pool" = String, Path, description = "The pool")),
    request_body(content_type = "application/json", description = "What the newcomer says of itself, with its token"),
    responses(
        (status = 200, description = "All that a member has to know", content_type = "application/json"),
        (status = 409, description = "It cannot join: the reason is in the answer",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
        (status = "default", description = "Whatever goes wrong",
            content_type = "application/problem+json", body = ref("#/components/schemas/Problem")),
    )
)]
pub(crate) async fn join(
    State(service): State<Service>,
    Path(pool): Path<String>,
    actor: Actor,
    body: axum::body::Bytes,
) -> Result<Response, ApiError> {
    let ask: JoinRequest =
        serde_json::from_slice(&body).map_err(|error| ApiError::BadBody(error.to_string()))?;
    let engine = service.engine()?;
    // A stranger learns nothing of the pools that there are.
    let Some(conductor) = service.conductor(&pool) else { return Err(EnrolError::NoInvitation.into()) };
    // Before anything is held: strangers keep nobody waiting.
    invited_by(&engine, &pool, &ask).await?;
    let changing = conductor.rosters().change().await;
    // Also if the newcomer goes away: whoever is in the roster is told to all.
    let answer = to_its_end(async move {
        let joining = Joining { service, engine, conductor, changing };
        joining.join(&pool, &actor, ask).await
    });
    let answer = answer.await.unwrap_or(Err(ApiError::Internal))?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// The open invitation of whoever asks; it holds.
async fn invited_by(engine: &Engine, pool: &str, ask: &JoinRequest) -> Result<Invited, ApiError> {
    let (id, secret) = enrolment::credential(&ask.token)?;
    let (store, key) = (Arc::clone(engine.store()), invitation_key(pool, &id));
    let read = spawn_blocking(move || store.get(&key)).await.map_err(|_| ApiError::Internal)?;
    let kept = read.map_err(ApiError::Store)?;
    let invited = kept.and_then(|kept| serde_json::from_slice::<Invited>(&kept).ok());
    let invited = invited.ok_or(EnrolError::NoInvitation)?;
    invited.check(&secret, &ask.host, clock::now())?;
    Ok(invited)
}

/// A newcomer whose turn it is.
struct Joining {
    service: Service,
    engine: Arc<Engine>,
    conductor: Arc<Conductor>,
    changing: Changing,
}

impl Joining {
    async fn join(self, pool: &str, actor: &Actor, ask: JoinRequest) -> Result<JoinAnswer, ApiError> {
        let Self { service, engine, conductor, changing } = self;
        // Again: whoever came before may have used it. What it used is durable, or its turn would last still.
        let invited = invited_by(&engine, pool, &ask).await?;
        let authorities = authorities(&service, pool)?;
        let standing = |position| conductor.standing(HostIndex::new(position));
        let (roster, me) = enrolment::joined(&changing.roster(), &ask, standing)?;
        let chain_pem = authorities.sign(&ask.csr_pem, &roster, me, clock::now().into())?;
        let mut records = Batch::default();
        records::put_roster(&mut records, &roster);
        records.delete(invitation_key(pool, &invited.id));
        let did =
            AuditEntry::new(clock::now(), &actor.author, "join", format!("pools/{pool}/hosts/{}", ask.host));
        let shown = json!({"invitation": invited.id, "invited_by": invited.by, "api": ask.api, "addresses": ask.addresses});
        let transition = Transition {
            entries: vec![Entry::new("host-joins", Some(&invited.by), json!({"host": ask.host}))],
            audit: vec![did.with_change(Value::Null, shown)],
            records,
            ..Transition::default()
        };
        let turn = service.pool(pool)?.turn().await?;
        let committed = turn.commit(transition).acknowledged().await;
        if committed.is_ok() {
            // What another said there before it counts no more.
            authorities.said().forget(me);
        }
        changing.settle(roster.clone(), &engine, committed)?;
        let kept = authorities.kept();
        let authorities_pem = match roster.authorities_pem() {
            none if none.is_empty() => kept.founding.authority_pem.clone(),
            all => all,
        };
        let answer = JoinAnswer {
            roster,
            me,
            keys: conductor.keys(),
            medium: kept.founding.medium.clone(),
            metadata: kept.founding.metadata.clone(),
            chain_pem,
            authorities_pem,
        };
        Ok(answer)
    }
}

/// The pool's authority.
pub(super) fn authorities(service: &Service, pool: &str) -> Result<Authorities, ApiError> {
    let conductor: Arc<Conductor> = service.conductor(pool).ok_or_else(without_agents)?;
    conductor.authorities().cloned().ok_or_else(|| ApiError::Forbidden {
        code: "no-authority",
        reason: "the pool's store has no certificate authority: only a pool that `lifeboat-agent init` has made lets hosts in"
            .to_owned(),
    })
}

async fn kept(engine: &Engine, pool: &str) -> Result<Vec<Invited>, ApiError> {
    let (store, prefix) = (Arc::clone(engine.store()), invitations_key(pool));
    let read = spawn_blocking(move || all_under(&*store, &prefix)).await;
    let records =
        read.map_err(|_| ApiError::Internal)?.map_err(|error: StoreError| ApiError::Store(error))?;
    Ok(records.iter().filter_map(|record| serde_json::from_slice(&record.value).ok()).collect())
}

impl From<EnrolError> for ApiError {
    fn from(error: EnrolError) -> Self {
        let code = match error {
            EnrolError::NoInvitation => "no-invitation",
            EnrolError::OtherHost(_) => "other-host",
            EnrolError::Taken(_) => "host-taken",
            EnrolError::Claimed(..) => "address-taken",
            EnrolError::Networks(_) => "other-networks",
            EnrolError::Api(_) | EnrolError::Name => "bad-host",
            EnrolError::HandOverFirst(_) => "hand-over-first",
            EnrolError::Roster(_) => "bad-roster",
        };
        Self::Forbidden { code, reason: error.to_string() }
    }
}

impl From<CertificateError> for ApiError {
    fn from(error: CertificateError) -> Self {
        Self::Forbidden { code: "no-certificate", reason: error.to_string() }
    }
}
