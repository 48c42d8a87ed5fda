//! A client of the WebDriver protocol (W3C), with the few commands that the tests need.
//!
//! It is our own because the crates for it change what is tested, or bring much: thirtyfour turns on serde_json's
//! `preserve_order` for the whole workspace, fantoccini brings second versions of a dozen crates.

use reqwest::{Client, Method};
use serde_json::{Value, json};

/// The field of an element's reference.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The key that moves the focus.
const TAB: &str = "\u{E004}";

/// A session with a browser, which ends with [`Session::end`] or the driver's process.
pub struct Session {
    http: Client,
    url: String,
}

/// An element of the page.
pub struct Element(String);

impl Session {
    /// Opens a browser by the driver at a port.
    pub async fn begin(port: u16, capabilities: Value) -> Result<Self, String> {
        let mut session = Self { http: Client::new(), url: format!("http://127.0.0.1:{port}/session") };
        let begun = session.post("", json!({"capabilities": {"alwaysMatch": capabilities}})).await?;
        session.url += &format!("/{}", begun["sessionId"].as_str().ok_or("the driver names no session")?);
        Ok(session)
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let response = request.send().await.map_err(|error| error.to_string())?;
        let is_success = response.status().is_success();
        let mut body: Value = response.json().await.map_err(|error| error.to_string())?;
        let value = body["value"].take();
        if is_success { Ok(value) } else { Err(value["message"].as_str().unwrap_or("no message").to_owned()) }
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, String> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Returns what the session says at a path.
    pub async fn get(&self, path: &str) -> Result<Value, String> {
        self.call(Method::GET, path, None).await
    }

    /// Goes to an address.
    pub async fn go(&self, url: &str) -> Result<(), String> {
        self.post("/url", json!({"url": url})).await.map(drop)
    }

    /// Loads the page again.
    pub async fn refresh(&self) -> Result<(), String> {
        self.post("/refresh", json!({})).await.map(drop)
    }

    /// Goes back, as the button of the browser does.
    pub async fn back(&self) -> Result<(), String> {
        self.post("/back", json!({})).await.map(drop)
    }

    /// Sets a cookie of the page's site.
    pub async fn set_cookie(&self, name: &str, value: &str) -> Result<(), String> {
        self.post("/cookie", json!({"cookie": {"name": name, "value": value}})).await.map(drop)
    }

    /// Deletes the cookies of the page's site.
    pub async fn delete_cookies(&self) -> Result<(), String> {
        self.call(Method::DELETE, "/cookie", None).await.map(drop)
    }

    /// Returns the first element that an XPath finds.
    pub async fn find(&self, path: &str) -> Result<Element, String> {
        element(&self.post("/element", json!({"using": "xpath", "value": path})).await?)
    }

    /// Returns the element that has the focus.
    pub async fn focused(&self) -> Result<Element, String> {
        element(&self.get("/element/active").await?)
    }

    /// Clicks an element.
    pub async fn click(&self, Element(id): &Element) -> Result<(), String> {
        self.post(&format!("/element/{id}/click"), json!({})).await.map(drop)
    }

    /// Puts a text into a field, instead of what is there.
    pub async fn fill(&self, Element(id): &Element, text: &str) -> Result<(), String> {
        self.post(&format!("/element/{id}/clear"), json!({})).await?;
        self.post(&format!("/element/{id}/value"), json!({"text": text})).await.map(drop)
    }

    /// Returns the text of an element, as it is seen.
    pub async fn text(&self, Element(id): &Element) -> Result<String, String> {
        text(&self.get(&format!("/element/{id}/text")).await?)
    }

    /// Returns a property of an element.
    pub async fn property(&self, Element(id): &Element, name: &str) -> Result<String, String> {
        text(&self.get(&format!("/element/{id}/property/{name}")).await?)
    }

    /// Presses the tabulator key.
    pub async fn press_tab(&self) -> Result<(), String> {
        let keys = json!([{"type": "keyDown", "value": TAB}, {"type": "keyUp", "value": TAB}]);
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": keys}]});
        self.post("/actions", actions).await.map(drop)
    }

    /// Runs a script in the page, and returns what it returns.
    pub async fn execute(&self, script: &str) -> Result<Value, String> {
        self.post("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Runs a script in the page, and returns what it calls its last argument with.
    pub async fn execute_async(&self, script: &str) -> Result<Value, String> {
        self.post("/execute/async", json!({"script": script, "args": []})).await
    }

    /// Sends a command to Chromium's developer tools.
    pub async fn developer_tools(&self, command: &str, parameters: Value) -> Result<Value, String> {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// Closes the browser.
    pub async fn end(&self) -> Result<(), String> {
        self.call(Method::DELETE, "", None).await.map(drop)
    }
}

fn element(value: &Value) -> Result<Element, String> {
    text(&value[ELEMENT]).map(Element)
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("no text: {value}"))
}
