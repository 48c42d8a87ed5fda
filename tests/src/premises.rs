//! The processes of a shop: a server with its streams and consumers, and the services.

use std::time::Duration;

use anyhow::{Context, Result};
use testkit::{NatsServer, Process, Program, Proxy, SmtpServer, World, binary, until};

use crate::service::{SERVICES, Service, UNLIMITED, users};

/// A debug build on a busy machine takes some seconds.
const START_MAX: Duration = Duration::from_secs(40);

/// How premises differ from the default.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    settings: Vec<(&'static str, String, String)>,
    smtp: bool,
    through_proxy: Vec<&'static str>,
    twice: Vec<&'static str>,
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

    /// Lets the gateway take as many requests as come.
    pub fn without_limits(self) -> Self {
        UNLIMITED.into_iter().fold(self, |plan, (name, value)| plan.set("gateway", name, value))
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

    /// Connects each instance of a service to the server through a proxy of its own, which can cut the connection.
    pub fn through_proxy(mut self, service: &'static str) -> Self {
        self.through_proxy.push(service);
        self
    }

    /// Starts a second instance of a service.
    pub fn twice(mut self, service: &'static str) -> Self {
        self.twice.push(service);
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
            for instance in 0..1 + u32::from(premises.plan.twice.contains(&name)) {
                let service = premises.start(name, instance)?;
                premises.services.push(service);
            }
        }
        for service in &premises.services {
            premises.ready(service).await;
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
        let premises = Self { world, nats, smtp, services: Vec::new(), plan };
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
            let urls =
                |name: &str| self.instances(name).map(|service| service.url.as_str()).collect::<Vec<_>>().join(",");
            let others = SERVICES.iter().filter(|other| **other != name && self.instances(other).next().is_some());
            settings.extend(others.map(|other| (format!("{}_URL", other.to_uppercase()), urls(other))));
        }
        let own = self.plan.settings.iter().filter(|(service, ..)| *service == name);
        settings.extend(own.map(|(_, variable, value)| (variable.clone(), value.clone())));
        let proxied = self.plan.through_proxy.contains(&name);
        let proxy = proxied.then(|| Proxy::to(self.nats.port())).transpose()?;
        let nats_url = proxy.as_ref().map_or_else(|| self.nats.url(), Proxy::url);
        let service = Service::start(&self.world, name, instance, &nats_url, &settings).context(name)?;
        Ok(Service { proxy, ..service })
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

    /// Returns the first instance of a service.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn service(&self, name: &str) -> &Service {
        self.instances(name).next().unwrap_or_else(|| panic!("no service {name}"))
    }

    /// Returns the instances of a service.
    pub fn instances(&self, name: &str) -> impl Iterator<Item = &Service> {
        self.services.iter().filter(move |service| service.name == name)
    }

    /// Returns the connection of the first instance of a service to the server.
    ///
    /// # Panics
    /// When the plan has no proxy for it.
    pub fn proxy(&self, name: &str) -> &Proxy {
        self.service(name).proxy.as_ref().unwrap_or_else(|| panic!("{name} has no proxy"))
    }

    /// Returns every instance of every service.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Returns the process of a service, or of `nats-server`.
    pub fn process(&self, name: &str) -> &Process {
        if name == "nats-server" { &self.nats.process } else { &self.service(name).process }
    }
}
