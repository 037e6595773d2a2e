// Makes the pages livelier. Without it they say the same. Shows times in the viewer's zone, reads
// values off the plots, and has the page written anew once a minute, in place.
"use strict";

const REFRESH_MS = 60_000;
// Of a plot, in its own units: see chart.rs.
const PLOT_LEFT = 52;
const PLOT_RIGHT = 8;

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const shortly = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time:not([data-day])")) {
    const form = "time" in time.dataset ? timeOfDay : "short" in time.dataset ? shortly : moment;
    time.textContent = form.format(new Date(time.dateTime));
  }
}

function readPlots(root) {
  const rows = [...root.querySelectorAll(".numbers tbody tr")];
  for (const drawing of root.querySelectorAll(".drawing")) {
    const cursor = document.createElement("div");
    const reading = document.createElement("div");
    cursor.className = "cursor";
    reading.className = "reading";
    cursor.hidden = reading.hidden = true;
    drawing.append(cursor, reading);
    drawing.addEventListener("pointerleave", () => {
      cursor.hidden = reading.hidden = true;
    });
    drawing.addEventListener("pointermove", (event) => {
      const svg = [...drawing.querySelectorAll("svg")].find((svg) => svg.clientWidth > 0);
      if (!svg || rows.length === 0) return;
      const scale = svg.clientWidth / svg.viewBox.baseVal.width;
      const left = PLOT_LEFT * scale;
      const width = svg.clientWidth - left - PLOT_RIGHT * scale;
      const part = (event.clientX - drawing.getBoundingClientRect().left - left) / width;
      const at = Math.min(rows.length - 1, Math.max(0, Math.floor(part * rows.length)));
      const [start, requests, errors, p50, p95, p99] = [...rows[at].cells].map((cell) => cell.textContent.trim());
      const said = rows[at].dataset.said ?? `${requests} requests, ${errors} errors\np50 ${p50}, p95 ${p95}, p99 ${p99}`;
      const x = left + ((at + 0.5) / rows.length) * width;
      cursor.style.left = `${x}px`;
      reading.textContent = `${start}\n${said}`;
      cursor.hidden = reading.hidden = false;
      const isRight = x > svg.clientWidth / 2;
      reading.style.left = isRight ? "auto" : `${x + 8}px`;
      reading.style.right = isRight ? `${drawing.clientWidth - x + 8}px` : "auto";
    });
  }
}

function enliven(root) {
  showLocalTimes(root);
  readPlots(root);
}

// The same link, so that who uses the keyboard stays where they are.
function refocus(href) {
  const links = href ? [...document.querySelectorAll("main a")] : [];
  links.find((link) => link.getAttribute("href") === href)?.focus({ preventScroll: true });
}

// Not while somebody types, reads the table or points at a plot.
function isBusy(main) {
  return document.hidden || main.querySelector("details[open], .drawing:hover") !== null;
}

async function refresh() {
  const main = document.querySelector("main");
  if (isBusy(main)) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (!fresh || isBusy(main)) return;
  const focused = main.contains(document.activeElement) && document.activeElement.getAttribute("href");
  main.replaceChildren(...fresh.childNodes);
  document.title = page.title;
  enliven(main);
  refocus(focused);
}

enliven(document);
setInterval(() => {
  refresh().catch(() => {
    // The server cannot be reached just now: the page stays, and says its time.
  });
}, REFRESH_MS);
