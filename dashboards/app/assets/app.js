// What the frame does in the browser: address, theme, exports of figures, the editor's line numbers. Loads nothing.
(function () {
  "use strict";
  const THEME = "ettwin-theme";
  const cookie = (name) => (document.cookie.split("; ").find((c) => c.startsWith(name + "=")) || "").split("=")[1];
  const keep = (theme) => { document.cookie = `${THEME}=${theme}; path=/; max-age=31536000; samesite=strict`; };
  const paint = (theme) => document.documentElement.setAttribute("data-mantine-color-scheme", theme);

  // Before Dash asks for the layout, so that the first page already has the theme of the system.
  if (!cookie(THEME)) keep(window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  paint(cookie(THEME));

  let page = null; // the path that is shown
  let moved = false; // whether the query has been changed since it was shown
  const none = () => window.dash_clientside.no_update;
  const replace = (search) => {
    if (search === window.location.search) return;
    window.history.replaceState(window.history.state, "", window.location.pathname + search);
    moved = true;
  };
  const repaint = () => ({ path: window.location.pathname, search: window.location.search, at: Date.now() });

  // The program that draws figures is large: it is fetched while nobody waits, or while the server works a page out.
  // Dash waits for what is in window.Plotly, and the program takes its place there.
  const fetchPlotly = () => {
    if (window.Plotly || !window._dashPlotlyJSURL || document.querySelector("script[src*='plotly.min.js']")) return;
    window.Plotly = new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = window._dashPlotlyJSURL;
      script.onload = done;
      script.onerror = () => { script.remove(); delete window.Plotly; failed(new Error("the program that draws did not come")); };
      document.body.appendChild(script);
    });
    window.Plotly.catch(() => {});
  };
  const begin = () => {
    if (document.getElementById("content")) window.setTimeout(fetchPlotly, 100); // after the page has been asked for
    else window.setTimeout(begin, 50);
  };
  if (window.location.pathname !== "/") begin();
  window.addEventListener("_dashprivate_pushstate", () => window.setTimeout(fetchPlotly, 50));

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    frame: {
      // A page has been shown: its title, and for screen readers and keyboards its beginning.
      title: (here) => {
        if (!here) return none();
        document.title = here.title;
        moved = false;
        if (page !== null && page !== here.path) {
          window.scrollTo(0, 0);
          const content = document.getElementById("content");
          if (content) content.focus({ preventScroll: true });
        }
        if (page === null) window.setTimeout(fetchPlotly, 1500);
        page = here.path;
        return none();
      },
      // Controls have changed: the address says so, without a new entry in the history.
      sync: (values, ids) => {
        const query = new URLSearchParams(window.location.search);
        (ids || []).forEach((id, k) => {
          query.delete(id.query);
          const given = Array.isArray(values[k]) ? values[k] : [values[k]];
          given.filter((v) => v !== null && v !== undefined && v !== "").forEach((v) => query.append(id.query, v));
        });
        const text = query.toString();
        if ((ids || []).length) replace(text ? "?" + text : "");
        return none();
      },
      // A page says what its address is now.
      state: (address) => {
        if (address && address.split("?")[0] === window.location.pathname) {
          const at = address.indexOf("?");
          replace(at < 0 ? "" : address.slice(at));
        }
        return none();
      },
      theme: (clicks) => {
        if (!clicks) return [none(), none(), none()];
        const theme = cookie(THEME) === "dark" ? "light" : "dark";
        keep(theme);
        paint(theme);
        return [theme, repaint(), theme === "dark" ? "Light" : "Dark"];
      },
      // The editor's lines that are wrong.
      marks: (marks) => { wrong = new Map((marks || []).map((m) => [m.line, m.text])); number(true); return none(); },
    },
  });

  // A link to the page that is shown, whose controls have been turned since: Dash sees no new address in it.
  window.addEventListener("_dashprivate_pushstate", () => {
    if (moved && page === window.location.pathname) window.dash_clientside.set_props("repaint", { data: repaint() });
  });

  let wrong = new Map();
  let lines = -1;
  const number = (again) => {
    const text = document.getElementById("yaml-text");
    const gutter = document.getElementById("yaml-gutter");
    if (!text || !gutter) return;
    const n = text.value.split("\n").length;
    if (again || n !== lines || gutter.childElementCount !== n) {
      lines = n;
      const made = document.createDocumentFragment();
      for (let k = 1; k <= Math.min(n, 20000); k += 1) {
        const line = document.createElement("div");
        line.textContent = String(k);
        if (wrong.has(k)) { line.className = "wrong"; line.title = wrong.get(k); }
        made.appendChild(line);
      }
      gutter.replaceChildren(made);
    }
    gutter.scrollTop = text.scrollTop;
  };
  document.addEventListener("input", (event) => { if (event.target.id === "yaml-text") number(false); });
  document.addEventListener("scroll", (event) => { if (event.target.id === "yaml-text") number(false); }, true);

  const save = (content, name, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const flash = (button, text) => {
    const before = button.textContent;
    button.textContent = text;
    setTimeout(() => { button.textContent = before; }, 1500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target) || event.target.closest("a")) menu.open = false;
    });
    if (!button) return;
    if (button.dataset.export) {
      const figure = button.closest("figure").querySelector(".js-plotly-plot");
      const size = { width: figure.offsetWidth, height: figure.offsetHeight };
      window.Plotly.downloadImage(figure, { format: button.dataset.export, filename: button.dataset.name, scale: 2, ...size });
    } else if (button.id === "copy-link") {
      navigator.clipboard.writeText(window.location.href).then(() => flash(button, "Copied"), () => flash(button, "Not allowed"));
    } else if (button.dataset.line) {
      const text = document.getElementById("yaml-text");
      const row = Number(button.dataset.line) - 1;
      const rows = text.value.split("\n");
      const start = rows.slice(0, row).reduce((sum, r) => sum + r.length + 1, 0);
      text.focus();
      text.setSelectionRange(start, start + (rows[row] || "").length);
      text.scrollTop = Math.max(0, row * 20 - 200);
      text.closest(".editor").scrollIntoView({ block: "center" });
    } else if (button.id === "save-yaml") {
      save(document.getElementById("yaml-text").value, button.dataset.name, "application/yaml");
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; });
  });
})();
