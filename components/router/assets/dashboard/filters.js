// Suggestions while somebody types.

// A suggestion is asked for when nobody has typed for this long.
const TYPING_MS = 250;
const SUGGESTIONS_MAX = 20;

// A path with these parameters and the time range of this page.
function within(path, parameters) {
  const page = new URLSearchParams(location.search);
  const scope = ["timeRange", "from", "to"].filter((name) => page.has(name));
  const query = new URLSearchParams(scope.map((name) => [name, page.get(name)]));
  for (const [name, value] of Object.entries(parameters)) query.set(name, value);
  return `${path}?${query}`;
}

// The names with the text in them that have the most requests.
async function search(by, text, limit, signal) {
  const question = { by, search: text, limit, metrics: "requests" };
  const answer = await fetch(within("/admin/breakdown", question), { signal });
  if (!answer.ok) throw new Error(answer.statusText);
  const { groups } = await answer.json();
  return groups.map(({ name }) => name);
}

// Calls a function with the text of a field when nobody has typed for a while. The signal aborts
// as soon as somebody types again.
function onTyped(field, call) {
  let last = new AbortController();
  field.addEventListener("input", () => {
    last.abort();
    const { signal } = (last = new AbortController());
    setTimeout(() => {
      // Without an answer, nothing is suggested.
      if (!signal.aborted) call(field.value, signal).catch(() => {});
    }, TYPING_MS);
  });
}

// Suggests values with the text that is typed in them, as the last of the field's values.
function suggestValues(root) {
  for (const field of root.querySelectorAll("input[data-by]")) {
    const { by } = field.dataset;
    const list = field.list ?? document.createElement("datalist");
    const fixed = [...list.children];
    list.id ||= `${field.name}-suggestions`;
    field.closest("label").after(list);
    field.setAttribute("list", list.id);
    onTyped(field, async (value, signal) => {
      const [, before, text] = value.match(/^(.*\||!?)(.*)$/);
      const names = text === "" ? [] : await search(by, text, SUGGESTIONS_MAX, signal);
      const values = names.map((name) => (by === "path" ? name.replace(/^\S+ /, "") : name));
      const options = [...new Set(values)].map((value) => {
        const option = document.createElement("option");
        option.value = before + value.replace(/[\\|]|^!/g, "\\$&");
        return option;
      });
      list.replaceChildren(...fixed, ...options);
    });
  }
}
