// Improves the pages; everything works without it. Copy buttons appear only where they can work.
(function () {
  "use strict";

  function select(element) {
    var range = document.createRange();
    range.selectNodeContents(element);
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  function copy(element) {
    if (navigator.clipboard && window.isSecureContext) {
      return navigator.clipboard.writeText(element.textContent);
    }
    select(element);
    return document.execCommand("copy") ? Promise.resolve() : Promise.reject(new Error("refused"));
  }

  document.querySelectorAll(".usersync [data-copy]").forEach(function (button) {
    var label = button.textContent;
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", function () {
      var element = document.getElementById(button.dataset.copy);
      copy(element).then(
        function () { button.textContent = button.dataset.copied; },
        function () { select(element); button.textContent = button.dataset.byHand; }
      );
      window.setTimeout(function () { button.textContent = label; }, 2500);
    });
  });

  // A part of the page that waits for something looks again by itself while it can be seen.
  function lookAgain(part) {
    if (document.hidden || part.contains(document.activeElement)) {
      return watch(part);
    }
    return window.fetch(window.location.href, { credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : ""; })
      .then(function (text) {
        var fresh = new DOMParser().parseFromString(text, "text/html").getElementById(part.id);
        if (fresh && fresh.textContent !== part.textContent) {
          part.replaceWith(fresh);
          part = fresh;
        }
        watch(part);
      }, function () { watch(part); });
  }

  function watch(part) {
    if (part.hasAttribute("data-live")) {
      part.setAttribute("aria-live", "polite");
      window.setTimeout(function () { lookAgain(part); }, 4000);
    }
  }

  document.querySelectorAll(".usersync [data-live]").forEach(watch);
})();
