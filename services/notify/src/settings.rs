//! Notify's own settings: how mail leaves the house.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser};
use lettre::message::Mailbox;

use crate::mailer::{DIRECTORY, FROM, Mailer};

// No doc comments on the structs: clap would show them as what the service is about.
#[allow(missing_docs)]
#[derive(Debug, Clone, Parser)]
pub struct Settings {
    #[command(flatten)]
    pub service: choreography_axum::Settings,
    #[command(flatten)]
    pub mail: MailSettings,
}

#[allow(missing_docs)]
#[derive(Debug, Clone, Args)]
pub struct MailSettings {
    /// Whom mails are from
    #[arg(long, env = "MAIL_FROM", default_value = FROM)]
    pub mail_from: Mailbox,
    /// Where mails are put as files, while there is no SMTP_URL
    #[arg(long, env = "MAIL_DIR", default_value = DIRECTORY)]
    pub mail_dir: PathBuf,
    /// The mail server: smtp://host:25, smtp://host:587?tls=required (STARTTLS), or smtps://user:password@host
    #[arg(long, env = "SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
}

impl MailSettings {
    /// The mailer that these settings describe.
    ///
    /// # Errors
    /// When the mail server's URL is none.
    pub fn mailer(&self) -> Result<Mailer> {
        match self.smtp_url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => Mailer::to_server(self.mail_from.clone(), url),
            None => Ok(Mailer::to_directory(self.mail_from.clone(), self.mail_dir.clone())),
        }
    }
}
