// Playback of a run's timeline: the moment moves in the browser alone, nothing is asked of the server.
window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.timeline = {
  // A press on Play starts or pauses; a tick moves the moment on, to the beginning again after the end.
  play: function (clicks, ticks, at, end, speed, paused) {
    const same = window.dash_clientside.no_update;
    const context = window.dash_clientside.callback_context;
    const cause = context.triggered.length ? context.triggered[0].prop_id : "";
    if (cause.startsWith("timeline-play")) {
      if (!clicks) return [same, same, same];
      const start = paused && at >= end ? 0 : at;
      return [start, !paused, paused ? "Pause" : "Play"];
    }
    if (!ticks || paused) return [same, same, same];
    const next = Math.min(end, at + (end / 400) * (Number(speed) / 4));
    return next >= end ? [end, true, "Play"] : [next, false, "Pause"];
  },
  // The window that was zoomed to; none after a press on "Whole run" or a double click.
  zoomed: function (seen, whole) {
    const same = window.dash_clientside.no_update;
    const context = window.dash_clientside.callback_context;
    const cause = context.triggered.length ? context.triggered[0].prop_id : "";
    if (cause.startsWith("timeline-whole")) return whole ? ["", ""] : [same, same];
    const ends = {};
    for (const key of Object.keys(seen || {})) {
      const found = key.match(/^xaxis\d*\.range\[([01])\]$/);
      if (found) ends[found[1]] = Number(seen[key]);
      if (/^xaxis\d*\.autorange$/.test(key)) return ["", ""];
    }
    if (ends[0] === undefined || ends[1] === undefined) return [same, same];
    return [Math.max(0, Math.round(ends[0] * 1e4) / 1e4), Math.round(ends[1] * 1e4) / 1e4];
  },
  // The line over the figure, and the state of every pool beneath it.
  moment: function (at, state) {
    if (!state) return window.dash_clientside.no_update;
    const time = at || 0;
    let bin = 0;
    while (bin + 1 < state.time.length && state.time[bin + 1] <= time) bin += 1;
    const say = function (id, value) {
      const cell = document.getElementById(id);
      if (cell) cell.textContent = value === null || value === undefined ? "–" : value;
    };
    const place = function () {
      const line = document.getElementById("timeline-cursor");
      const graph = document.querySelector("#timeline-drawn .js-plotly-plot");
      const axis = graph && (graph._fullLayout || {}).xaxis;
      if (!line || !axis || !axis._length) return false;
      if (graph.placed === undefined) ["plotly_afterplot", "plotly_relayouting"].forEach((what) => graph.on(what, () => graph.placed()));
      graph.placed = place;
      const size = graph._fullLayout._size;
      const inside = graph.getBoundingClientRect();
      const around = line.parentElement.getBoundingClientRect();
      line.hidden = time < axis.range[0] || time > axis.range[1];
      line.style.left = inside.left - around.left + axis._offset + axis.l2p(time) + "px";
      line.style.top = inside.top - around.top + size.t + "px";
      line.style.height = size.h + "px";
      return true;
    };
    const draw = function (tries) {
      if (!place() && tries > 0) window.setTimeout(() => draw(tries - 1), 150);
    };
    draw(40);
    const seconds = Math.round(time * state.seconds);
    const two = (n) => String(n).padStart(2, "0");
    const days = Math.floor(seconds / 86400);
    const rest = seconds % 86400;
    say("moment-time",
      days + " d " + two(Math.floor(rest / 3600)) + ":" + two(Math.floor(rest / 60) % 60) + ":" + two(rest % 60));
    state.pools.forEach(function (pool, k) {
      const number = (value, digits) => (value === null ? null : value.toLocaleString("en", { maximumFractionDigits: digits }));
      say("moment-" + k + "-queue", number(pool.queue[bin], 1));
      say("moment-" + k + "-use", number(pool.use[bin], 1));
    });
    return time;
  },
};
