// What the browser tests ask of a page: each function returns a list of sentences, empty if all is well.
(() => {
  "use strict";

  const name = element => {
    const id = element.id ? `#${element.id}` : "";
    const words = (element.getAttribute("aria-label") || element.textContent || element.name || "").trim();
    return `${element.localName}${id} ${JSON.stringify(words.replace(/\s+/g, " ").slice(0, 40))}`;
  };

  // Rows of a layout that stick out, innermost first; what a scrolling box holds does not count.
  function tooWide() {
    const root = document.scrollingElement;
    if (root.scrollWidth <= root.clientWidth) return [];
    const scrolls = element => element !== root && element !== document.body
      && getComputedStyle(element).overflowX !== "visible";
    const inside = element => {
      for (let at = element.parentElement; at; at = at.parentElement) if (scrolls(at)) return true;
      return false;
    };
    const out = [...document.querySelectorAll("body *")].filter(element =>
      !inside(element) && (element.getBoundingClientRect().right > root.clientWidth + 0.5
        || (element.scrollWidth > element.clientWidth && element.clientWidth > 0 && !scrolls(element))));
    const innermost = out.filter(element => !out.some(other => other !== element && element.contains(other)));
    return [`scrolls sideways at ${innerWidth}px: ${innermost.slice(0, 3).map(name).join(", ")}`];
  }

  const focusable = element => element.checkVisibility({ visibilityProperty: true })
    && element.tabIndex >= 0 && !element.disabled && element.type !== "hidden";

  function reachable() {
    return [...document.querySelectorAll(
      "a[href], button, input, select, textarea, summary, [tabindex]")].filter(focusable);
  }

  // One stop for each group of radio buttons: the checked one, else the first.
  function stops() {
    const groups = new Map();
    return reachable().filter(element => {
      if (element.type !== "radio") return true;
      const group = document.querySelectorAll(
        `input[type=radio][name="${CSS.escape(element.name)}"]:not(:disabled)`);
      if (!groups.has(element.name)) {
        groups.set(element.name, [...group].find(each => each.checked) || group[0]);
      }
      return groups.get(element.name) === element;
    });
  }

  // Half of a small element or the upper edge of a tall one must show (WCAG 2.4.11 wants any part).
  const covers = (bar, box) => box.bottom > bar.top + 1 && box.top + Math.min(box.height, 32) / 2 > bar.top;

  // The bar that stays in view hides nothing that has the focus, and nothing is painted over it.
  function sticky() {
    const found = [];
    for (const bar of document.querySelectorAll(".usersync .sticky")) {
      for (const element of reachable()) {
        if (bar.contains(element)) continue;
        element.focus();
        if (document.activeElement === element
            && covers(bar.getBoundingClientRect(), element.getBoundingClientRect())) {
          found.push(`the bar hides the focused ${name(element)} at ${innerWidth}px`);
        }
      }
      for (const part of [0, 0.3, 0.6, 1]) {
        scrollTo(0, part * document.scrollingElement.scrollHeight);
        const box = bar.getBoundingClientRect();
        for (let x = box.left + 2; x < box.right; x += 24) {
          const y = (box.top + box.bottom) / 2;
          const top = y < innerHeight && document.elementFromPoint(x, y);
          if (top && !bar.contains(top)) found.push(`${name(top)} covers the bar at ${innerWidth}px`);
        }
      }
      scrollTo(0, 0);
    }
    return [...new Set(found)];
  }

  function openEverything() {
    document.querySelectorAll("summary").forEach(summary => summary.click());
    document.querySelectorAll("[data-copy]").forEach(button => button.click());
  }

  async function axe(options) {
    const result = await window.axe.run(document, options);
    return result.violations.map(({ id, impact, nodes }) => {
      const places = nodes.slice(0, 3).map(node => {
        const [check] = [...node.any, ...node.all, ...node.none];
        return `${node.target} ${check ? check.message : ""}`;
      });
      const more = nodes.length > 3 ? `; and ${nodes.length - 3} more` : "";
      return `${id} (${impact}): ${places.join("; ")}${more}`;
    });
  }

  // Where the focus is: its place among the stops, and what is wrong with how it shows.
  function focus(list) {
    const element = document.activeElement;
    if (!element || element === document.body || element === document.documentElement) return [-1, []];
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const found = [];
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 1) found.push(`no outline on ${name(element)}`);
    if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) found.push(`out of sight: ${name(element)}`);
    const scrolls = element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight;
    const place = list.indexOf(element);
    if (place < 0 && !scrolls) found.push(`unexpected stop: ${name(element)}`);
    return [place, found];
  }

  // Enter in a text field presses the first button of its form: that must be the main one.
  function defaults() {
    const found = [];
    for (const form of document.forms) {
      const text = form.querySelector("input:not([type=hidden], [type=checkbox], [type=radio])");
      const buttons = [...form.elements].filter(each => each.localName === "button" && each.type === "submit");
      if (!text || buttons.length === 0) continue;
      const main = buttons.filter(each => each.classList.contains("primary") || each.classList.contains("danger"));
      const wanted = main.length ? main : buttons.length === 1 ? buttons : [];
      const pressed = buttons[0].textContent.trim();
      if (pressed !== "Preview" && !wanted.some(each => each.textContent.trim() === pressed)) {
        found.push(`Enter in ${name(text)} presses ${JSON.stringify(pressed)}`);
      }
    }
    return found;
  }

  window.usersyncTest = { name, tooWide, sticky, openEverything, axe, stops, focus, defaults };
})();
