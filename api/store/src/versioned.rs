//! What every store has in common, around whichever keeps the records: limits are held, the store's own records are
//! kept apart, and nobody leads before what is kept has the schema of this version.
use crate::{
    Batch, Candidate, Key, Leadership, Migration, Record, Store, StoreError, Term, Write, limits, migrate,
    own,
};
use std::time::Duration;

/// A store as the service uses it.
#[derive(Debug)]
pub struct Versioned {
    inner: Box<dyn Store>,
    migrations: &'static [Migration],
}

impl Versioned {
    /// Around this store.
    ///
    /// # Errors
    /// [`StoreError::TooNew`] if a newer version has written it; [`StoreError::Damaged`] if a restore into it was broken
    /// off; or if it cannot be read.
    pub fn new(inner: Box<dyn Store>) -> Result<Self, StoreError> {
        Self::with_migrations(inner, migrate::MIGRATIONS)
    }

    /// The same with other steps of migration than those of this version, for tests.
    ///
    /// # Errors
    /// As [`Versioned::new`].
    pub fn with_migrations(
        inner: Box<dyn Store>,
        migrations: &'static [Migration],
    ) -> Result<Self, StoreError> {
        let store = Self { inner, migrations };
        store.check()?;
        Ok(store)
    }

    fn check(&self) -> Result<(), StoreError> {
        migrate::schema(&*self.inner, self.migrations)?;
        if self.inner.get(&own::restoring())?.is_some() {
            return Err(StoreError::Damaged("a restore into it was broken off".to_owned()));
        }
        Ok(())
    }
}

impl Store for Versioned {
    fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        if key.is_under(&own::all()) { Ok(None) } else { self.inner.get(key) }
    }

    fn scan(&self, prefix: &Key, after: Option<&Key>, most: usize) -> Result<Vec<Record>, StoreError> {
        if !own::touches(prefix) {
            return self.inner.scan(prefix, after, most);
        }
        if prefix.is_under(&own::all()) {
            return Ok(Vec::new());
        }
        let mut records = self.inner.scan(prefix, after, most.saturating_add(own::MOST))?;
        records.retain(|record| !record.key.is_under(&own::all()));
        records.truncate(most);
        Ok(records)
    }

    fn commit(&self, term: Term, batch: &Batch) -> Result<(), StoreError> {
        limits::check(batch)?;
        let keys = batch.writes.iter().map(|write| match write {
            Write::Put(record) => (&record.key, record.key.is_under(&own::all())),
            Write::Delete(key) => (key, key.is_under(&own::all())),
            Write::DeleteUnder(key) => (key, own::touches(key)),
        });
        if let Some((key, _)) = keys.into_iter().find(|(_, reserved)| *reserved) {
            return Err(StoreError::Reserved(format!("{key:?}")));
        }
        self.inner.commit(term, batch)
    }

    fn campaign(&self, candidate: &Candidate, wait: Duration) -> Result<Option<Term>, StoreError> {
        let Some(term) = self.inner.campaign(candidate, wait)? else { return Ok(None) };
        let ready = self.check().and_then(|()| migrate::migrate(&*self.inner, term, self.migrations));
        match ready {
            Ok(()) => Ok(Some(term)),
            Err(fault) => {
                // Who cannot read what is kept must not keep others from leading. If this fails, the lease runs out.
                if let Err(also) = self.inner.resign(term) {
                    tracing::warn!("a term that cannot be used was not ended: {also}");
                }
                Err(fault)
            }
        }
    }

    fn renew(&self, term: Term) -> Result<(), StoreError> {
        self.inner.renew(term)
    }

    fn resign(&self, term: Term) -> Result<(), StoreError> {
        self.inner.resign(term)
    }

    fn leader(&self) -> Result<Option<Leadership>, StoreError> {
        self.inner.leader()
    }

    fn lease(&self) -> Option<Duration> {
        self.inner.lease()
    }

    fn backup(&self, out: &mut dyn std::io::Write) -> Result<(), StoreError> {
        self.inner.backup(out)
    }
}
