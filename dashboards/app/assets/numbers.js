// The numbers of a figure, folded away: the table is made when it is opened, from the CSV beside it.
(function () {
  "use strict";
  const NUMBER = /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

  // The first rows of a CSV, and its heading.
  const rows = (text, most) => {
    const found = [];
    let row = [];
    let cell = "";
    let quoted = false;
    for (let k = 0; k < text.length && found.length <= most; k += 1) {
      const letter = text[k];
      if (quoted && letter === '"' && text[k + 1] === '"') { cell += '"'; k += 1; }
      else if (letter === '"') quoted = !quoted;
      else if (!quoted && (letter === "," || letter === "\n")) {
        row.push(cell);
        cell = "";
        if (letter === "\n") { found.push(row); row = []; }
      } else if (letter !== "\r" || quoted) cell += letter;
    }
    return found;
  };
  // A cell as tables of the dashboard show it: six digits, a dash for nothing.
  const plain = (text) => {
    if (text === "") return "–";
    if (text === "True" || text === "False") return text === "True" ? "yes" : "no";
    if (NUMBER.test(text) && !/^-?\d+$/.test(text)) return String(Number(Number(text).toPrecision(6)));
    return text.replace(/^'(?=[=+\-@])/, "");
  };
  const made = (kind, text, place) => {
    const one = document.createElement(kind);
    if (text) one.textContent = text;
    if (place) place.appendChild(one);
    return one;
  };

  const fill = (holder) => {
    const link = holder.closest("details").parentElement.querySelector("a.export[download]");
    const bytes = Uint8Array.from(atob(link.getAttribute("href").split(",")[1]), (letter) => letter.charCodeAt(0));
    const shown = Number(holder.dataset.shown);
    const [head, ...body] = rows(new TextDecoder().decode(bytes), shown);
    const isNumber = head.map((_, k) => body.every((row) => row[k] === "" || NUMBER.test(row[k])));
    const name = holder.dataset.numbers;
    const count = Number(holder.dataset.rows);
    const more = ` (first ${shown} of ${count.toLocaleString("en")} rows; all are in the CSV)`;
    const table = made("table");
    made("caption", count > shown ? name + more : name, table);
    const top = made("tr", "", made("thead", "", table));
    head.forEach((text, k) => {
      const cell = made("th", text, top);
      cell.scope = "col";
      if (isNumber[k]) cell.className = "number";
    });
    const rest = made("tbody", "", table);
    body.forEach((row) => {
      const line = made("tr", "", rest);
      row.forEach((text, k) => { made("td", plain(text), line).className = isNumber[k] ? "number" : ""; });
    });
    const around = made("div");
    around.className = "scroll";
    around.tabIndex = 0;
    around.setAttribute("role", "region");
    around.setAttribute("aria-label", name);
    around.appendChild(table);
    holder.replaceChildren(around);
  };
  const toggled = (details) => {
    const holder = details.querySelector(":scope > [data-numbers]");
    if (!holder) return;
    if (details.open) fill(holder);
    else holder.replaceChildren();
  };
  document.addEventListener("toggle", (event) => { if (event.target.matches("details")) toggled(event.target); }, true);
  // Another window or class: the link of the same figure has other numbers.
  new MutationObserver((changes) => {
    changes.forEach((change) => {
      if (!change.target.matches("a.export")) return;
      const details = (change.target.closest("figcaption, .folded") || document).querySelector("details[open]");
      if (details) toggled(details);
    });
  }).observe(document, { attributes: true, attributeFilter: ["href"], subtree: true });
})();
