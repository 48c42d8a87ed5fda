// Makes pages live that work without it: shows times in the reader's time zone, and draws the page of an order that is
// under way anew with each of its messages. What must hold: nothing that a person uses is replaced while it is the same.
"use strict";

const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 30_000;

// Going back shows a page as it was: a payment that is made since would be offered again.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
showLocalTimes(document);
for (const live of document.querySelectorAll("[data-live]")) follow(live);

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const styles = "precise" in time.dataset ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" };
    time.textContent = new Intl.DateTimeFormat("en-GB", styles).format(moment);
    time.title = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" }).format(moment);
  }
}

function follow(live) {
  let isDrawing = false;
  let isStale = false;
  let pause = PAUSE_MIN_MS;

  function connect() {
    const events = new EventSource(live.dataset.events);
    for (const name of live.dataset.messages.split(" ")) events.addEventListener(name, draw);
    events.addEventListener("open", () => { pause = PAUSE_MIN_MS; });
    events.addEventListener("error", () => {
      draw();
      // Browsers connect again by themselves, but not after an error of the server.
      if (events.readyState === EventSource.CLOSED) later(() => { if (!isOver()) connect(); });
    });
  }

  function later(act) {
    setTimeout(act, pause * (1 + Math.random()));
    pause = Math.min(pause * 2, PAUSE_MAX_MS);
  }

  function isOver() {
    return live.querySelector("[data-over]") !== null;
  }

  async function draw() {
    if (isDrawing) { isStale = true; return; }
    isDrawing = true;
    do {
      isStale = false;
      if (!await drawOnce()) later(draw);
    } while (isStale);
    isDrawing = false;
  }

  // Returns whether the page is as it should be, or can't become so.
  async function drawOnce() {
    let response;
    try {
      response = await fetch(live.dataset.live, { redirect: "manual" });
      if (response.ok) show(live, await response.text());
    } catch { /* there is no connection */ }
    const isSignedOut = response?.type === "opaqueredirect";
    const isCurrent = Boolean(response?.ok);
    document.getElementById("signed-out").hidden = !isSignedOut;
    document.getElementById("not-connected").hidden = isSignedOut || isCurrent;
    return isSignedOut || isCurrent;
  }

  connect();
}

function show(live, html) {
  const next = live.cloneNode(false);
  next.innerHTML = html;
  showLocalTimes(next);
  const said = announcement(live);
  const focused = live.contains(document.activeElement) ? document.activeElement : null;
  makeAlike(live, next);
  // What had the focus is gone: the focus goes to what is new, not to the beginning of the page.
  if (focused && !focused.isConnected) live.querySelector("h2").focus();
  if (announcement(live) !== said) document.getElementById("announced").textContent = announcement(live);
}

function announcement(live) {
  return [...live.querySelectorAll("[data-announced]")].map((element) => element.textContent).join(". ");
}

// Makes an element like another one. The parts that are alike stay, and with them the focus and what is written in forms.
function makeAlike(old, next) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  if ("kept" in next.dataset) return;
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
  let place = old.firstChild;
  for (const child of [...next.childNodes]) {
    let same = place;
    while (same && !isSame(same, child)) same = same.nextSibling;
    if (!same) { old.insertBefore(child, place); continue; }
    while (place !== same) place = removed(place);
    makeAlike(same, child);
    place = same.nextSibling;
  }
  while (place) place = removed(place);
}

function isSame(old, next) {
  return old.nodeName === next.nodeName && (old.id || "") === (next.id || "");
}

function removed(node) {
  const following = node.nextSibling;
  node.remove();
  return following;
}
