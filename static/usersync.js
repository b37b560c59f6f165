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
})();
