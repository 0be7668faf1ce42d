// @ts-check
// Goes on when every application has been told, or after five seconds: one that doesn't answer keeps nobody here.

const next = document.getElementById("next");

function go() {
  if (next instanceof HTMLAnchorElement) location.replace(next.href);
}

if (document.readyState === "complete") go();
else addEventListener("load", go);
setTimeout(go, 5000);
