// A sign-in link carries its one-time token in the fragment, which no server and no log sees.
"use strict";

(() => {
  const token = new URLSearchParams(location.hash.slice(1)).get("link");
  if (!token) return;
  history.replaceState(null, "", location.pathname + location.search);
  const form = document.getElementById("sign-in");
  document.getElementById("link").value = token;
  document.getElementById("password").required = false;
  form.submit();
})();
