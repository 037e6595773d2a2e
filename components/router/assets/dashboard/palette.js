// Going to a place by keyboard.

// Paths, and IPs, that the palette finds.
const FOUND_MAX = 8;

// A place to go to: a text and a link.
const place = (text, href) => ({ text, href });

// Places that can be told without asking: links of the page with the text in them, and lists.
function placesOf(text) {
  const links = [...document.querySelectorAll(".top nav a, .ranges a")];
  const known = links.map((link) => {
    const name = link.ariaLabel ?? link.textContent;
    return place(link.closest(".ranges ul") ? texts.range.replace("{}", name) : name, link.href);
  });
  const places = known.filter((known) => known.text.toLowerCase().includes(text.toLowerCase()));
  const list = (by, named) => {
    const question = { by, search: text, limit: 100 };
    return place(named.replace("{}", () => text), within("/admin/dashboard/breakdown", question));
  };
  if (text !== "") places.push(list("path", texts.paths));
  if (isOfAddress(text)) places.push(list("ip", texts.ips));
  return places;
}

const isOfAddress = (text) => /^[\da-f.:]+$/i.test(text);

// Paths and IPs with the text in them.
async function found(text, signal) {
  const names = (by) => search(by, text, FOUND_MAX, signal);
  const [paths, ips] = await Promise.all([names("path"), isOfAddress(text) ? names("ip") : []]);
  return [
    ...ips.map((ip) => place(ip, within(`/admin/dashboard/ips/${ip}`, {}))),
    ...paths.map((key) => place(key, within("/admin/dashboard/paths", { key }))),
  ];
}

// A dialog that finds a place by a text, and the list of the keys.
function makeDialogs() {
  const [button, palette, keys] = document.querySelector("#dialogs").content.children;
  document.querySelector(".top nav").after(button);
  document.body.append(palette, keys);
  const field = palette.querySelector("input");
  const list = palette.querySelector("ul");
  let chosen = 0;
  const choose = (at) => {
    const items = [...list.children];
    chosen = items.length ? (at + items.length) % items.length : 0;
    items.forEach((item, at) => item.setAttribute("aria-selected", at === chosen));
    items[chosen]?.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", items[chosen]?.id ?? "");
  };
  const show = (places, at) => {
    const items = places.map(({ text, href }, at) => {
      const item = document.createElement("li");
      item.id = `palette-place-${at}`;
      item.role = "option";
      item.textContent = text;
      item.dataset.href = href;
      return item;
    });
    list.replaceChildren(...items);
    choose(at);
  };
  const open = () => {
    if (palette.open || keys.open) return;
    field.value = "";
    show(placesOf(""), 0);
    palette.showModal();
  };
  // Enter goes to a place that is shown already, however fast somebody types.
  field.addEventListener("input", () => show(placesOf(field.value.trim()), 0));
  onTyped(field, async (value, signal) => {
    const text = value.trim();
    if (text === "") return;
    const more = await found(text, signal);
    if (!signal.aborted) show([...placesOf(text), ...more], chosen);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter") list.children[chosen]?.click();
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (item) location.assign(item.dataset.href);
  });
  // A click beside a dialog hits the dialog itself.
  for (const dialog of [palette, keys]) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
  button.addEventListener("click", open);
  addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input, textarea, select");
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping;
    const isCtrlK = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    if (isCtrlK || (isPlain && event.key === "/")) open();
    else if (isPlain && event.key === "?" && !palette.open && !keys.open) keys.showModal();
    else return;
    event.preventDefault();
  });
}
