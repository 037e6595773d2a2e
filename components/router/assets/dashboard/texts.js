// Times in the viewer's zone.

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const shortly = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});
const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time:not([data-day])")) {
    const form = "time" in time.dataset ? timeOfDay : "short" in time.dataset ? shortly : moment;
    time.textContent = form.format(new Date(time.dateTime));
  }
}
