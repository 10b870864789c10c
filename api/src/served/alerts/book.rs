//! All alerts of a pool: those that go on, and the newest of those that are over.
use super::Severity;
use super::{Acknowledged, Alert, Finding, Holds, Kind, Subject};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Alerts that may go on at a time. A pool in which more is wrong is told so by those that there are.
const MOST_OPEN: usize = 1000;
/// Alerts that are over and kept all the same.
const MOST_CLOSED: usize = 1000;

/// Something that happened to an alert.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// It was raised.
    Raised(Alert),
    /// It is over. Not told to people where another alert tells the same.
    Closed {
        /// The alert.
        alert: Alert,
        /// Whether people are told.
        told: bool,
    },
    /// Somebody has taken note of it.
    Acknowledged(Alert),
    /// It is so old that it is forgotten.
    Forgotten(u64),
}

/// The tolerance that a drop is measured from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Nothing was settled yet.
    #[default]
    Unknown,
    /// So many failures were proven survivable; none: the pool was broken.
    Settled(Option<u32>),
}

/// The book of a pool's alerts.
#[derive(Clone, Debug, Default)]
pub struct Book {
    alerts: BTreeMap<u64, Alert>,
    open: BTreeMap<(Kind, Subject), u64>,
    next: u64,
    /// The tolerance below which it has dropped; what was last settled, while no such alert goes on.
    level: Level,
}

impl Book {
    /// The book of these alerts, as they were kept.
    pub fn of(alerts: impl IntoIterator<Item = Alert>) -> Self {
        let mut book = Self::default();
        for alert in alerts {
            book.next = book.next.max(alert.id + 1);
            if alert.is_open() {
                book.open.insert((alert.kind, alert.subject.clone()), alert.id);
            }
            if alert.is_open() && alert.kind == Kind::ToleranceDropped {
                book.level = Level::Settled(alert.data["before"].as_u64().map(|level| level as u32));
            }
            book.alerts.insert(alert.id, alert);
        }
        book
    }

    /// The alert of that number.
    pub fn get(&self, id: u64) -> Option<&Alert> {
        self.alerts.get(&id)
    }

    /// All alerts, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.values().rev()
    }

    /// How many go on, by kind.
    pub fn open_by_kind(&self) -> BTreeMap<Kind, usize> {
        let mut counts = BTreeMap::new();
        for (kind, _) in self.open.keys() {
            *counts.entry(*kind).or_default() += 1;
        }
        counts
    }

    /// The alerts that go on.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.open.values().filter_map(|id| self.alerts.get(id))
    }

    /// The tolerance that a drop is measured from: what was last settled before it.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Takes note of a settled tolerance, unless a drop below the earlier one goes on.
    pub fn settle(&mut self, proven: Option<u32>) {
        if !self.open.contains_key(&(Kind::ToleranceDropped, Subject::Pool)) {
            self.level = Level::Settled(proven);
        }
    }

    /// Takes note of what holds. A finding that is not there says nothing; `looked_at` names the kinds of which everything
    /// that holds is there.
    pub fn note(&mut self, findings: Vec<Finding>, looked_at: &[Kind], now: Timestamp) -> Vec<News> {
        let mut news = Vec::new();
        let mut over: Vec<(Kind, Subject, String)> = Vec::new();
        for (kind, subject) in self.open.keys().filter(|(kind, _)| looked_at.contains(kind)) {
            if !findings.iter().any(|finding| finding.kind == *kind && finding.subject == *subject) {
                over.push((*kind, subject.clone(), "it holds no more".to_owned()));
            }
        }
        for finding in findings {
            match finding.holds {
                Holds::Yes if finding.kind.is_moment() => {
                    let (kind, subject) = (finding.kind, finding.subject.clone());
                    news.extend(self.raise(finding, now));
                    let because = "it was told".to_owned();
                    news.extend(self.close(kind, subject, because, false, now));
                }
                Holds::Yes => news.extend(self.raise(finding, now)),
                Holds::No { because } => over.push((finding.kind, finding.subject, because)),
                Holds::Unknown => {}
            }
        }
        // Of a host that failed and was fenced, one alert says that it is back.
        let failed: Vec<Subject> = over
            .iter()
            .filter(|(kind, subject, _)| {
                *kind == Kind::HostFailed && self.open.contains_key(&(*kind, subject.clone()))
            })
            .map(|(_, subject, _)| subject.clone())
            .collect();
        for (kind, subject, because) in over {
            let told = kind != Kind::HostFenced || !failed.contains(&subject);
            news.extend(self.close(kind, subject, because, told, now));
        }
        news.extend(self.forget());
        news
    }

    /// Somebody has taken note of an alert. A drop of the tolerance that was taken note of is over: from now on the
    /// tolerance that there is counts.
    pub fn acknowledge(&mut self, id: u64, by: &str, now: Timestamp) -> Vec<News> {
        let Some(alert) = self.alerts.get_mut(&id) else { return Vec::new() };
        if alert.acknowledged.is_some() {
            return Vec::new();
        }
        alert.acknowledged = Some(Acknowledged { by: by.to_owned(), at: now });
        let alert = alert.clone();
        let accepted = alert.is_open() && alert.kind == Kind::ToleranceDropped;
        let mut news = vec![News::Acknowledged(alert.clone())];
        if accepted {
            self.level = Level::Settled(alert.data["proven"].as_u64().map(|level| level as u32));
            let because = format!("{by} accepts the lower tolerance");
            news.extend(self.close(alert.kind, alert.subject, because, false, now));
        }
        news
    }

    fn raise(&mut self, finding: Finding, now: Timestamp) -> Option<News> {
        let key = (finding.kind, finding.subject.clone());
        // However many lesser alerts are open, what is urgent is raised.
        let lesser = matches!(finding.kind.severity(), Severity::Info | Severity::Warning);
        if self.open.contains_key(&key) || lesser && self.open.len() >= MOST_OPEN {
            return None;
        }
        let id = self.next.max(1);
        self.next = id + 1;
        let alert = Alert {
            id,
            kind: finding.kind,
            severity: finding.kind.severity(),
            subject: finding.subject,
            raised_at: now,
            closed_at: None,
            closed_because: None,
            acknowledged: None,
            summary: finding.summary,
            detail: finding.detail,
            next_step: finding.next_step,
            data: finding.data,
        };
        self.open.insert(key, id);
        self.alerts.insert(id, alert.clone());
        Some(News::Raised(alert))
    }

    fn close(
        &mut self,
        kind: Kind,
        subject: Subject,
        because: String,
        told: bool,
        now: Timestamp,
    ) -> Option<News> {
        let id = self.open.remove(&(kind, subject))?;
        let alert = self.alerts.get_mut(&id)?;
        alert.closed_at = Some(now);
        alert.closed_because = Some(because);
        Some(News::Closed { alert: alert.clone(), told })
    }

    fn forget(&mut self) -> Vec<News> {
        let closed = self.alerts.len() - self.open.len();
        let oldest = self.alerts.values().filter(|alert| !alert.is_open()).map(|alert| alert.id);
        let old: Vec<u64> = oldest.take(closed.saturating_sub(MOST_CLOSED)).collect();
        for id in &old {
            self.alerts.remove(id);
        }
        old.into_iter().map(News::Forgotten).collect()
    }
}
