// Makes the page livelier. Without the script it says the same. Has the page written anew now and
// then, in place.

const REFRESH_MS = 60_000;
const LIVE_MS = 5_000;
// The texts of the script are in the page, in its language.
const texts = document.querySelector("#dialogs").dataset;

function enliven(root) {
  showLocalNumbers(root);
  showLocalTimes(root);
  fillMenus(root);
  readPlots(root);
  zoomPlots(root);
  suggestValues(root);
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

// Has the page written anew. Says whether that was done.
async function refresh() {
  const main = document.querySelector("main");
  if (isBusy(main)) return false;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected) return location.reload();
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main");
  if (!fresh || isBusy(main)) return false;
  const active = document.activeElement;
  const focused = main.contains(active) && active.getAttribute("href");
  main.replaceChildren(...fresh.childNodes);
  document.title = page.title;
  enliven(main);
  refocus(focused);
  return true;
}

enliven(document);
makeDialogs();

// The live page is written anew all the time: after a pause, and no sooner than the answer took. So
// a slow server is not asked more than it can answer.
const live = () => document.querySelector("[data-live]");
const pause = (tookMs) => (live() ? Math.max(LIVE_MS, tookMs) : REFRESH_MS);
const tell = (text) => {
  if (live()) live().textContent = text;
};

let next = 0;
let isAsking = false;
async function goOn() {
  if (isAsking) return;
  isAsking = true;
  clearTimeout(next);
  const began = performance.now();
  try {
    const isFresh = await refresh();
    tell(isFresh ? texts.updated : texts.paused);
  } catch {
    // The page stays, and says its time.
    tell(texts.silent);
  }
  isAsking = false;
  next = setTimeout(goOn, pause(performance.now() - began));
}

next = setTimeout(goOn, pause(0));
tell(texts.updated);
addEventListener("visibilitychange", () => {
  if (!document.hidden && live()) goOn();
});
