// @ts-check
// Sends the form that carries an answer to an application.

const form = document.getElementById("carry");
if (form instanceof HTMLFormElement) form.submit();
