//! Notify's own settings: how mails are sent.

use std::path::PathBuf;

use clap::{Args, Parser};
use lettre::message::Mailbox;

use crate::mailer::{DIRECTORY, FROM, MailError, Mailer};

/// The settings of notify.
#[derive(Debug, Clone, Parser)]
pub struct Settings {
    /// What every service has.
    #[command(flatten)]
    pub service: choreography_axum::Settings,
    /// How mails are sent.
    #[command(flatten)]
    pub mail: MailSettings,
}

/// How mails are sent.
#[derive(Debug, Clone, Args)]
pub struct MailSettings {
    /// The sender of mails
    #[arg(long, env = "MAIL_FROM", default_value = FROM)]
    pub mail_from: Mailbox,
    /// The directory where mails are put as files, while there is no SMTP_URL
    #[arg(long, env = "MAIL_DIR", default_value = DIRECTORY)]
    pub mail_dir: PathBuf,
    /// The mail server: smtp://host:25, smtp://host:587?tls=required (STARTTLS), or smtps://user:password@host
    #[arg(long, env = "SMTP_URL")]
    pub smtp_url: Option<String>,
}

impl MailSettings {
    /// Makes the mailer that these settings describe.
    ///
    /// # Errors
    /// When the mail server's URL can't be read.
    pub fn mailer(&self) -> Result<Mailer, MailError> {
        match self.smtp_url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => Mailer::to_server(self.mail_from.clone(), url),
            None => Ok(Mailer::to_directory(self.mail_from.clone(), self.mail_dir.clone())),
        }
    }
}
