// SPDX-License-Identifier: MIT OR Apache-2.0
// Arrow keys move between results, Home and End to the first and last; Tab and Enter need no help.
(() => {
  const all = [...document.querySelectorAll("ol a")];
  // Results in the first row: as many as share its top.
  const columns = () => {
    const top = all[0].getBoundingClientRect().top;
    return all.filter((a) => a.getBoundingClientRect().top === top).length;
  };
  document.addEventListener("keydown", (event) => {
    if (!all.length || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const now = all.indexOf(document.activeElement);
    const goals = {
      ArrowRight: () => now + 1,
      ArrowLeft: () => now - 1,
      ArrowDown: () => now + columns(),
      ArrowUp: () => now - columns(),
      Home: () => 0,
      End: () => all.length - 1,
    };
    if (!Object.hasOwn(goals, event.key)) return;
    const goal = now < 0 && event.key !== "End" ? 0 : goals[event.key]();
    if (goal < 0 || goal >= all.length) return;
    event.preventDefault();
    all[goal].focus();
  });
})();
