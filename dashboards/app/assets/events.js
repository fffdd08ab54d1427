// The table of a run's alerts. Another question: the grid forgets its rows and asks for them again, from the top.
window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.events = {
  again: function () {
    const given = Array.from(arguments);
    const ask = function (tries) {
      const api = window.dash_ag_grid && window.dash_ag_grid.getApi && window.dash_ag_grid.getApi("events-grid");
      if (!api) {
        if (tries > 0) window.setTimeout(() => ask(tries - 1), 100);
        return;
      }
      if (api.getDisplayedRowCount() > 0) api.ensureIndexVisible(0, "top");
      api.purgeInfiniteCache();
    };
    ask(30);
    return given;
  },
};
// A link in the grid goes to its page as any other link of the dashboard does: the program stays.
document.addEventListener("click", function (event) {
  const link = event.target.closest ? event.target.closest(".grid a[href^='/']") : null;
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  window.history.pushState({}, "", link.getAttribute("href"));
  window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  window.scrollTo(0, 0);
});
