//! What survives: torn writes, damage, and being closed and opened again between random batches; and how records of an
//! older version are brought to the newest.
mod damage;
mod disk;
mod full;
mod migration;
mod oracle;
mod torn;
