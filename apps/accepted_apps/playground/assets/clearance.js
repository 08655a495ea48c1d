// Solves the playground's browser challenge: finds a number for which the hash of token and number ends in ten zero
// bits, keeps both in a cookie and loads the page again. Nobody has to do anything; a client without scripts stays out.
(function () {
  "use strict";
  const token = document.currentScript.dataset.token;
  const MASK = 0x3ff;

  function fnv1a(text) {
    let value = 0x811c9dc5;
    for (let i = 0; i < text.length; i += 1) {
      value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
    }
    return value;
  }

  let answer = 0;
  while ((fnv1a(token + "." + answer) & MASK) !== 0) {
    answer += 1;
  }
  document.cookie = "cf_clearance=" + token + "." + answer + "; path=/; max-age=1800; samesite=lax";

  // Without cookies the page would load again for ever.
  if (document.cookie.includes("cf_clearance=" + token)) {
    // Real interstitials stay for a moment after the page has loaded, so a reader has to wait for what follows.
    window.setTimeout(function () { window.location.reload(); }, 300);
  }
})();
