//! Why a database could not be opened, and what an operator can do about it.

use std::error::Error;
use std::path::PathBuf;

use sqlx::error::DatabaseError as _;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteError;

use super::statement::{InvalidName, driver_error};

/// Why a database could not be opened. The text names the file and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the database {database}: {problem}; {}", problem.advice())]
pub struct OpenError {
    pub(super) database: String,
    pub(super) problem: Problem,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("{0:?} names no file")]
    NoFile(String),
    #[error("it does not exist")]
    Missing,
    #[error("it is a directory")]
    Directory,
    #[error("cannot make {}: {cause}", directory.display())]
    Unwritable { directory: PathBuf, cause: std::io::Error },
    #[error("only SQLite is supported")]
    NotSqlite,
    #[error("it belongs to the service {owner}, and this is {service}")]
    OtherService { owner: String, service: &'static str },
    #[error("running the migrations: {0}")]
    Migrations(MigrateError),
    #[error("preparing table {table} with its columns key, version and state: {cause}")]
    Table { table: &'static str, cause: Box<dyn Error + Send + Sync> },
    #[error("key, version and state of table {0} are not all \"not null\"")]
    Nullable(&'static str),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("{operation}: {cause}")]
    Database { operation: String, cause: Box<dyn Error + Send + Sync> },
}

impl Problem {
    pub(super) fn database(operation: impl Into<String>, error: sqlx::Error) -> Self {
        Self::Database { operation: operation.into(), cause: driver_error(error) }
    }

    /// Returns what an operator can do. Codes: <https://www.sqlite.org/rescode.html>.
    fn advice(&self) -> &'static str {
        match self {
            Self::NoFile(_) | Self::Directory => "name a file",
            Self::Missing => "name the file that the service runs with",
            Self::NotSqlite => "name a file, or a URL as sqlite:///data/payment.db",
            Self::OtherService { .. } => "name a file of its own for each service",
            Self::Nullable(_) => "correct the migrations",
            Self::Name(_) => "give the table another name",
            _ => match self.sqlite_code().map(|code| code & 0xff) {
                Some(5 | 6) => "another process keeps it locked: wait for it or end it",
                Some(11) => "it is damaged: restore it from a backup",
                Some(13) => "the disk is full: make room",
                Some(26) => "it is something else than a database: move it away, or name another file",
                Some(1) => "the migrations do not fit: they must make each table with its columns, in names of its own",
                Some(_) | None => "name a file in a directory that this user may write to",
            },
        }
    }

    fn sqlite_code(&self) -> Option<u32> {
        let cause: &(dyn Error + 'static) = match self {
            Self::Migrations(cause) => cause,
            Self::Table { cause, .. } | Self::Database { cause, .. } => cause.as_ref(),
            _ => return None,
        };
        let mut causes = std::iter::successors(Some(cause), |&cause| cause.source());
        causes.find_map(|cause| cause.downcast_ref::<SqliteError>())?.code()?.parse().ok()
    }
}
