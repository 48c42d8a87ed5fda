// Makes pages live that work without it: while an order is under way, its page is drawn anew with each of its messages.
"use strict";

for (const live of document.querySelectorAll("[data-live]")) follow(live);

function follow(live) {
  const events = new EventSource(live.dataset.events);
  let isDrawing = false;
  let isStale = false;

  async function draw() {
    if (isDrawing) { isStale = true; return; }
    isDrawing = true;
    do {
      isStale = false;
      try {
        const response = await fetch(live.dataset.live, { headers: { accept: "text/html" } });
        if (response.ok) live.innerHTML = await response.text();
      } catch { /* the connection is back with the next message */ }
    } while (isStale);
    isDrawing = false;
  }

  for (const name of live.dataset.messages.split(" ")) events.addEventListener(name, draw);
  events.addEventListener("error", draw);
}
