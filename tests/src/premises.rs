//! The processes of a shop: a server with its streams and consumers, and the services.

use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{NatsServer, Process, Program, Proxy, SmtpServer, World, binary, until};

use crate::service::{SERVICES, Service, users};

/// A debug build on a busy machine takes some seconds.
const START_MAX: Duration = Duration::from_secs(40);

/// How premises differ from the default.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    settings: Vec<(&'static str, String, String)>,
    smtp: bool,
    through_proxy: Option<&'static str>,
    on_disk: bool,
}

impl Plan {
    /// Returns the default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a setting of one service.
    pub fn set(mut self, service: &'static str, name: &str, value: impl Into<String>) -> Self {
        self.settings.push((service, name.to_owned(), value.into()));
        self
    }

    /// Sets a setting of every service.
    pub fn set_all(self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        SERVICES.into_iter().fold(self, |plan, service| plan.set(service, name, &*value))
    }

    /// Sends mail to a real SMTP server instead of files.
    pub fn smtp(mut self) -> Self {
        self.smtp = true;
        self
    }

    /// Stores everything in a directory beside the built programs, which is on a disk; temporary files may be in
    /// memory.
    pub fn on_disk(mut self) -> Self {
        self.on_disk = true;
        self
    }

    /// Connects one service to the server through a proxy that can cut the connection.
    pub fn through_proxy(mut self, service: &'static str) -> Self {
        self.through_proxy = Some(service);
        self
    }
}

/// A running shop. Dropping it ends all of its processes.
pub struct Premises {
    /// The directory and the process group.
    pub world: World,
    /// The message server.
    pub nats: NatsServer,
    /// The mail server, if the plan has one.
    pub smtp: Option<SmtpServer>,
    /// The proxy, if the plan has one.
    pub proxy: Option<Proxy>,
    services: Vec<Service>,
    plan: Plan,
}

impl Premises {
    /// Starts the server, provisions it, starts every service, and waits until each is ready.
    ///
    /// # Errors
    /// When something cannot be started.
    ///
    /// # Panics
    /// When something does not become ready.
    pub async fn open(plan: Plan) -> Result<Self> {
        let mut premises = Self::without_services(plan).await?;
        for name in SERVICES {
            let service = premises.start(name, 0)?;
            premises.services.push(service);
        }
        for name in SERVICES {
            premises.ready(premises.service(name)).await;
        }
        Ok(premises)
    }

    /// Starts the server and provisions it, without any service.
    ///
    /// # Errors
    /// When something cannot be started.
    pub async fn without_services(plan: Plan) -> Result<Self> {
        let world = if plan.on_disk { World::beside_programs("shop")? } else { World::new("shop")? };
        let nats = NatsServer::start(&world, &users())?;
        let smtp = plan.smtp.then(|| SmtpServer::start(&world)).transpose()?;
        let proxy = plan.through_proxy.map(|_| Proxy::to(nats.port())).transpose()?;
        let premises = Self { world, nats, smtp, proxy, services: Vec::new(), plan };
        premises.provision().await?;
        Ok(premises)
    }

    /// Creates the streams and consumers, or finds them there.
    ///
    /// # Errors
    /// When the program fails or is not built.
    pub async fn provision(&self) -> Result<()> {
        let program = Program::new("provision", binary("provision")?).env("NATS_URL", self.nats.url());
        let process =
            self.world.start(users().into_iter().fold(program, |program, (name, value)| program.env(name, value)))?;
        let ended = until("provisioning to end", START_MAX, async || process.ended().ok_or("it is running")).await;
        anyhow::ensure!(ended.ends_with("exit status: 0"), "{ended}\n{}", process.last_lines(20));
        Ok(())
    }

    /// Starts an instance of a service. Instances of one service share their database.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, name: &'static str, instance: u32) -> Result<Service> {
        let mut settings: Vec<(String, String)> = Vec::new();
        if name == "notify" {
            settings.push(match &self.smtp {
                Some(smtp) => ("SMTP_URL".to_owned(), smtp.url()),
                None => ("MAIL_DIR".to_owned(), self.world.directory().join("mail").display().to_string()),
            });
        }
        if name == "gateway" {
            let services = self.services.iter().filter(|service| service.name != name);
            let url = |service: &Service| (format!("{}_URL", service.name.to_uppercase()), service.url.clone());
            settings.extend(services.map(url));
        }
        let own = self.plan.settings.iter().filter(|(service, ..)| *service == name);
        settings.extend(own.map(|(_, variable, value)| (variable.clone(), value.clone())));
        let proxy = self.proxy.as_ref().filter(|_| self.plan.through_proxy == Some(name));
        let nats_url = proxy.map_or_else(|| self.nats.url(), Proxy::url);
        Service::start(&self.world, name, instance, &nats_url, &settings).context(name)
    }

    /// Waits until a service reports that it is ready.
    ///
    /// # Panics
    /// When it does not become so.
    pub async fn ready(&self, service: &Service) {
        let http = reqwest::Client::new();
        until(format_args!("{} to be ready", service.name), START_MAX, async || {
            if let Some(ended) = service.process.ended() {
                panic!("{ended}\n{}", service.process.last_lines(20));
            }
            match http.get(format!("{}/readyz", service.url)).send().await {
                Ok(response) if response.status().is_success() => Ok(()),
                Ok(response) => Err(format!("{}: {}", response.status(), response.text().await.unwrap_or_default())),
                Err(_) => Err(format!("it does not respond\n{}", service.process.last_lines(10))),
            }
        })
        .await;
    }

    /// Returns a service.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn service(&self, name: &str) -> &Service {
        self.services.iter().find(|service| service.name == name).unwrap_or_else(|| panic!("no service {name}"))
    }

    /// Returns every service.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Returns the process of a service, or of `nats-server`.
    pub fn process(&self, name: &str) -> &Process {
        if name == "nats-server" { &self.nats.process } else { &self.service(name).process }
    }
}
