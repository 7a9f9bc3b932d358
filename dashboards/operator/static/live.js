/* What a page does by itself: its ages go on counting, and it says whether it is live. htmx does the rest. */
(() => {
  "use strict";
  const root = document.documentElement;
  const SILENCE_MS = 30_000; // three heartbeats of /api/events
  const NARROW = "\u202f";
  const units = root.dataset.units.split("|");
  const ahead = Date.parse(root.dataset.now) - Date.now(); // the server's clock counts, not this machine's
  const pause = document.getElementById("pause");
  let heard = 0;
  let connection = null; // of the page's event stream, as htmx knows it

  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, NARROW);

  // The same as formats.age in Python.
  function age(milliseconds) {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    const amounts = [
      Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60,
    ];
    if (seconds >= 60) amounts[3] = 0;
    let first = amounts.findIndex((amount) => amount);
    if (first < 0) first = 3;
    return [first, first + 1]
      .filter((place) => place === first || amounts[place])
      .map((place) => grouped(amounts[place]) + NARROW + units[place])
      .join(" ");
  }

  const paused = () => pause?.getAttribute("aria-pressed") === "true";

  function say(state) {
    if (state === "live" && paused()) state = "paused";
    if (root.dataset.link !== state) root.dataset.link = state;
  }

  function tick() {
    const now = Date.now() + ahead;
    for (const element of document.querySelectorAll("time[data-since]")) {
      const text = age(now - Date.parse(element.dataset.since));
      if (element.textContent !== text) element.textContent = text;
    }
    if (["live", "paused"].includes(root.dataset.link) && Date.now() - heard > SILENCE_MS) say("lost");
  }

  document.addEventListener("htmx:sse:before:connection", () => {
    if (root.dataset.link === "still") say("connecting");
  });
  document.addEventListener("htmx:sse:after:connection", (event) => {
    connection = event.detail.connection;
    heard = Date.now();
    say("live");
  });
  document.addEventListener("htmx:sse:error", (event) => say(event.detail.status === 401 ? "out" : "lost"));
  document.addEventListener("htmx:sse:close", () => say("lost"));
  document.addEventListener("htmx:sse:before:message", (event) => {
    heard = Date.now();
    say("live");
    if (paused()) {
      event.preventDefault();
      return;
    }
    // htmx swaps in what has no name; `board` is what our page is made of.
    if (event.detail.message.event === "board") event.detail.message.event = "";
  });
  document.addEventListener("htmx:after:swap", tick);
  setInterval(tick, 1000);

  // A paused board stays as it is. What it missed comes when it goes on: a new stream begins with everything.
  function toggle() {
    pause.setAttribute("aria-pressed", String(!paused()));
    if (paused()) say("paused");
    else connection?.reader?.cancel();
  }

  if (pause) {
    pause.hidden = false;
    pause.addEventListener("click", toggle);
  }

  // "/" goes to the search, as operators' hands know it; "p" pauses.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "p" && pause) toggle();
    if (event.key !== "/") return;
    event.preventDefault();
    document.getElementById("q").focus();
  });
})();
