// Times in the viewer's zone, and the names of countries.

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const shortly = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});
const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

const regions = new Intl.DisplayNames(undefined, { type: "region" });

// Puts the name of a country behind its code: in a list for all to see, elsewhere as a title.
function nameCountries(root) {
  for (const code of root.querySelectorAll("[data-country]")) {
    if (!/^[A-Z]{2}$/.test(code.textContent)) continue;
    const name = regions.of(code.textContent);
    if (code.matches("td span")) {
      code.title = name;
      continue;
    }
    const label = document.createElement("span");
    label.className = "country";
    label.textContent = name;
    code.after(" ", label);
  }
}

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time:not([data-day])")) {
    const form = "time" in time.dataset ? timeOfDay : "short" in time.dataset ? shortly : moment;
    time.textContent = form.format(new Date(time.dateTime));
  }
}
