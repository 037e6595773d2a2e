// Numbers and times as the viewer writes them, and times in the viewer's zone.

// The viewer's way to write the language of the page. For pages in English, which are also for those
// whose language the pages do not have, it is the way of the viewer's own language.
const language = document.documentElement.lang;
const isOfPage = (locale) => locale.split("-")[0] === language.split("-")[0];
const locale = navigator.languages.find(isOfPage) ?? (language === "en" ? navigator.language : language);

const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const shortly = new Intl.DateTimeFormat(locale, {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});
const timeOfDay = new Intl.DateTimeFormat(locale, { timeStyle: "short" });

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time:not([data-day])")) {
    const form = "time" in time.dataset ? timeOfDay : "short" in time.dataset ? shortly : moment;
    time.textContent = form.format(new Date(time.dateTime));
  }
}

// The comma and the point of a number, as in 1,234.5. The digits stay.
const parts = new Intl.NumberFormat(locale, { numberingSystem: "latn" }).formatToParts(1e6 + 0.5);
const mark = (type) => parts.find((part) => part.type === type)?.value ?? "";
const marks = { ",": mark("group"), ".": mark("decimal") };

// Only where the page has numbers: names and addresses are elsewhere. Before times are written, which
// have points of their own.
function showLocalNumbers(root) {
  if (marks[","] === "," && marks["."] === ".") return;
  for (const cell of root.querySelectorAll("main td:not([translate]), main dd, .drawing text")) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      text.data = text.data.replace(/(?<=\d)[,.](?=\d)/g, (sign) => marks[sign]);
    }
  }
}
