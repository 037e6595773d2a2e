// The menus of panels: a table as text for other programs.

// A table as rows of texts. Of a cell, the text that a person reads.
function read(table) {
  const text = (cell) => {
    const copy = cell.cloneNode(true);
    for (const extra of copy.querySelectorAll(".open, .hidden, .country, svg")) extra.remove();
    return copy.textContent.trim();
  };
  const rows = [...table.rows].map((row) => [...row.cells].map(text));
  const isEmpty = (at) => rows.every((row) => row[at] === "");
  return rows.map((row) => row.filter((_, at) => !isEmpty(at)));
}

const asCsv = (rows) => {
  const cell = (text) => {
    // A spreadsheet must not take a text of a client for a formula.
    const safe = text.replace(/(^|;)(?=\s*[=+\-@＝＋－＠])/g, "$1'");
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
};

const asMarkdown = ([head, ...rows]) => {
  const line = (cells) => `| ${cells.join(" | ")} |\n`;
  const text = (cell) => cell.replace(/[\\|`*_<>[\]]/g, "\\$&").replace(/\s+/g, " ");
  const rule = head.map((_, at) => (at === 0 ? "---" : "---:"));
  return [head.map(text), rule, ...rows.map((row) => row.map(text))].map(line).join("");
};

const asCurl = (href) => {
  const url = href.replaceAll("'", "%27");
  return `curl -H "Authorization: Bearer $ROLLCALL_TOKEN" '${url}'\n`;
};

function copy(text) {
  // Over plain HTTP, a page has no other clipboard.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const put = (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", put, { once: true });
  document.execCommand("copy");
}

// Adds to the menu of each panel.
function fillMenus(root) {
  for (const menu of root.querySelectorAll(".menu")) {
    const table = (menu.closest(".panel") ?? menu.closest("section")).querySelector("table");
    const { href } = menu.querySelector("a");
    const forms = { [texts.curl]: () => asCurl(href) };
    if (table) {
      forms[texts.csv] = () => asCsv(read(table));
      forms[texts.markdown] = () => asMarkdown(read(table));
    }
    for (const [name, text] of Object.entries(forms)) {
      const button = document.createElement("button");
      button.textContent = name;
      button.type = "button";
      button.addEventListener("click", async () => {
        await copy(text());
        button.textContent = texts.copied;
        setTimeout(() => {
          button.textContent = name;
          menu.open = false;
        }, 800);
      });
      const item = document.createElement("li");
      item.append(button);
      menu.querySelector("ul").append(item);
    }
  }
}

// One menu is open at a time. Escape, or a click beside it, closes it.
addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.activeElement.closest(".menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
