//! A browser, and what a person does with it: looks, clicks, types.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shop_tests::{PATIENCE, Shop};
use testkit::{Process, Program, free_port, until};

use super::web_driver::{Element, Session};

/// How long the driver may take to start on a busy machine.
const START_MAX: Duration = Duration::from_secs(40);

/// How high a page is seen, in pixels.
const HEIGHT: u32 = 1_000;

/// What a browser looks like.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Its width in pixels.
    pub width: u32,
    /// Whether it prefers dark colours.
    pub dark: bool,
    /// Whether scripts run.
    pub scripts: bool,
}

impl Look {
    /// A laptop's browser.
    pub const LAPTOP: Self = Self { width: 1_280, dark: false, scripts: true };
    /// A phone in the dark.
    pub const DARK_PHONE: Self = Self { width: 390, dark: true, scripts: true };
    /// A laptop's browser at 200 %: half as many pixels of the style sheet.
    pub const TWICE_THE_SIZE: Self = Self { width: 640, ..Self::LAPTOP };
    /// A browser in which scripts are off.
    pub const WITHOUT_SCRIPTS: Self = Self { scripts: false, ..Self::LAPTOP };
}

/// A browser that looks at a shop. It ends with the shop's processes.
pub struct Browser {
    pub driver: Session,
    look: Look,
    url: String,
    _process: Arc<Process>,
}

impl Browser {
    /// Opens a browser.
    pub async fn open(shop: &Shop, look: Look) -> Self {
        let port = free_port().unwrap();
        let program = Program::new(format!("chromedriver-{port}"), "chromedriver").arg(format!("--port={port}"));
        let process = shop.premises.world.start(program).expect("chromedriver starts (Debian: chromium-driver)");
        let profile = shop.premises.world.directory().join(format!("browser-{port}"));
        let begin = async || Session::begin(port, capabilities(look, &profile)).await;
        let driver = until("a browser", START_MAX, begin).await;
        // A window is never as narrow as a phone: the device is emulated.
        let device = json!({"width": look.width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": look.width < 600});
        driver.developer_tools("Emulation.setDeviceMetricsOverride", device).await.unwrap();
        let scheme = if look.dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        driver.developer_tools("Emulation.setEmulatedMedia", media).await.unwrap();
        Self { driver, look, url: shop.premises.service("gateway").url.clone(), _process: process }
    }

    /// Opens a browser, and signs a customer of the demonstration in.
    pub async fn signed_in(shop: &Shop, look: Look, customer: &str) -> Self {
        let browser = Self::open(shop, look).await;
        browser.go("/sign-in").await;
        browser.press(customer).await;
        browser.wait_for_address("/").await;
        browser
    }

    /// Goes to an address of the shop.
    pub async fn go(&self, path: &str) {
        self.driver.go(&format!("{}{path}", self.url)).await.unwrap();
    }

    /// Presses the button, the link or the choice with this text in it.
    pub async fn press(&self, text: &str) {
        let kinds = "self::a or self::button or self::summary or self::label";
        let path = format!("//*[{kinds}][contains(normalize-space(.), \"{text}\")]");
        // A page that moves may have been drawn anew since the element was found.
        until(&path, PATIENCE, async || {
            let element = self.element(&path).await;
            self.driver.click(&element).await
        })
        .await;
    }

    /// Puts a text into a field, instead of what is there.
    pub async fn fill(&self, id: &str, text: &str) {
        let field = self.element(&with_id(id)).await;
        self.driver.fill(&field, text).await.unwrap();
    }

    /// Returns what is in a field.
    pub async fn filled(&self, id: &str) -> String {
        let field = self.element(&with_id(id)).await;
        self.driver.property(&field, "value").await.unwrap()
    }

    /// Returns the id of the element that has the focus.
    pub async fn focused(&self) -> String {
        let focused = self.driver.focused().await.unwrap();
        self.driver.property(&focused, "id").await.unwrap()
    }

    /// Returns the element that an XPath finds, as soon as it is there.
    async fn element(&self, path: &str) -> Element {
        until(path, PATIENCE, async || match self.driver.find(path).await {
            Ok(element) => Ok(element),
            Err(error) => Err(format!("{error}\n{}", self.text().await)),
        })
        .await
    }

    /// Returns what is written on the page.
    pub async fn text(&self) -> String {
        match self.driver.find("//body").await {
            Ok(body) => self.driver.text(&body).await.unwrap_or_else(|error| error),
            Err(error) => error,
        }
    }

    /// Waits until something is written on the page, without loading it again.
    pub async fn wait_for_text(&self, text: &str) -> String {
        until(format!("{text:?} on the page"), PATIENCE, async || {
            let seen = self.text().await;
            if seen.contains(text) { Ok(seen) } else { Err(seen) }
        })
        .await
    }

    /// Waits until something is written on the page, which is loaded again and again.
    pub async fn reload_until_text(&self, text: &str) -> String {
        until(format!("{text:?} on the page"), PATIENCE, async || {
            self.driver.refresh().await?;
            let seen = self.text().await;
            if seen.contains(text) { Ok(seen) } else { Err(seen) }
        })
        .await
    }

    /// Waits until the browser is at an address of the shop.
    pub async fn wait_for_address(&self, path: &str) {
        until(format!("address {path}"), PATIENCE, async || {
            let seen = self.path().await;
            if seen == path { Ok(()) } else { Err(seen) }
        })
        .await
    }

    /// Returns the path of the address that the browser is at.
    pub async fn path(&self) -> String {
        let address = self.driver.get("/url").await.unwrap();
        let address = address.as_str().unwrap().replacen(&self.url, "", 1);
        address.split('?').next().unwrap_or_default().to_owned()
    }

    /// Returns the cookie of the session.
    pub async fn cookie(&self) -> Value {
        self.driver.get("/cookie/session").await.unwrap()
    }

    /// Whether the browser has no cookie of the shop.
    pub async fn has_no_cookie(&self) -> bool {
        self.driver.get("/cookie").await.unwrap().as_array().is_some_and(Vec::is_empty)
    }

    /// Closes the browser.
    pub async fn close(self) {
        self.driver.end().await.unwrap();
    }

    /// Writes a picture of the whole page into the directory SCREENSHOTS, if that is set: for people to look at.
    pub async fn keep_picture(&self, page: &str) {
        let Some(directory) = std::env::var_os("SCREENSHOTS") else { return };
        let name = format!("{}-{}.png", page.trim_matches('/').replace(['/', ' '], "-"), self.look.width);
        let options = json!({"captureBeyondViewport": true});
        let picture = self.driver.developer_tools("Page.captureScreenshot", options).await.unwrap();
        let picture = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, picture["data"].as_str().unwrap());
        std::fs::write(Path::new(&directory).join(name), picture.unwrap()).unwrap();
    }

    /// Returns the class of a station of the order's way.
    pub async fn station(&self, name: &str) -> String {
        let path = format!("//ol[contains(@class, 'way')]/li[strong[normalize-space(.) = '{name}']]");
        // The page may be drawn anew between the two questions.
        until(format_args!("the station {name}"), PATIENCE, async || {
            let station = self.element(&path).await;
            self.driver.property(&station, "className").await
        })
        .await
    }
}

/// Returns the XPath of the element with an id.
fn with_id(id: &str) -> String {
    format!("//*[@id='{id}']")
}

/// Returns what a browser is asked to be.
fn capabilities(look: Look, profile: &Path) -> Value {
    // In a container Chromium runs as root, and with little shared memory.
    let mut arguments = vec!["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];
    let profile = format!("--user-data-dir={}", profile.display());
    arguments.extend(["--hide-scrollbars", &profile]);
    let scripts = if look.scripts { 1 } else { 2 }; // allowed or blocked
    let preferences = json!({"profile.managed_default_content_settings.javascript": scripts});
    json!({"browserName": "chrome", "goog:chromeOptions": {"args": arguments, "prefs": preferences}})
}
