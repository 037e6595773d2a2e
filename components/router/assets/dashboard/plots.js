// Plots: the numbers of a bucket, and a drag that zooms.

// Shows the numbers of the bucket under the pointer, beside it.
function readPlots(root) {
  const heads = [...root.querySelectorAll(".numbers thead th")].map((head) => head.textContent);
  const rows = [...root.querySelectorAll(".numbers tbody tr")];
  for (const drawing of root.querySelectorAll(".drawing")) {
    const columns = drawing.querySelector(".columns");
    for (const titled of columns.querySelectorAll("[title]")) titled.removeAttribute("title");
    const reading = document.createElement("div");
    reading.className = "reading";
    reading.hidden = true;
    drawing.append(reading);
    drawing.addEventListener("pointerleave", () => {
      reading.hidden = true;
    });
    drawing.addEventListener("pointermove", (event) => {
      const box = columns.getBoundingClientRect();
      if (rows.length === 0) return;
      const part = (event.clientX - box.left) / box.width;
      const at = Math.min(rows.length - 1, Math.max(0, Math.floor(part * rows.length)));
      const [start, ...numbers] = [...rows[at].cells].map((cell) => cell.textContent.trim());
      const lines = numbers.map((number, of) => `${heads[of + 1]} ${number}`);
      reading.textContent = [start, ...lines].join("\n");
      reading.hidden = false;
      const outer = drawing.getBoundingClientRect();
      const x = box.left - outer.left + ((at + 0.5) / rows.length) * box.width;
      const isRight = x > outer.width / 2;
      reading.style.left = isRight ? "auto" : `${x + 12}px`;
      reading.style.right = isRight ? `${outer.width - x + 12}px` : "auto";
    });
  }
}

// A drag over some buckets of a plot leads to the page of these.
function zoomPlots(root) {
  for (const columns of root.querySelectorAll(".columns")) {
    const items = [...columns.children];
    const link = (item) => item.querySelector("a");
    const within = (event) => items.indexOf(event.target.closest(".columns li"));
    let from = -1;
    let to = -1;
    const pick = () => {
      const [first, last] = from < to ? [from, to] : [to, from];
      items.forEach((item, at) => {
        item.classList.toggle("picked", from !== to && at >= first && at <= last);
      });
      return [items[first], items[last]];
    };
    const finish = () => {
      const [first, last] = from === to ? [] : pick().map(link);
      to = from;
      pick();
      from = -1;
      if (!first || !last) return;
      const href = new URL(first.href);
      href.searchParams.set("to", new URL(last.href).searchParams.get("to"));
      location.assign(href);
    };
    columns.addEventListener("pointerdown", (event) => {
      // A finger scrolls the page.
      if (event.button !== 0 || event.pointerType === "touch") return;
      from = to = within(event);
      document.addEventListener("pointerup", finish, { once: true });
    });
    columns.addEventListener("pointermove", (event) => {
      const at = within(event);
      if (from < 0 || at < 0) return;
      to = at;
      pick();
    });
    // Else the browser would drag the link itself.
    columns.addEventListener("dragstart", (event) => event.preventDefault());
  }
}
