// What every page does: the menu on a phone, and the focus on the first field that is wrong.
const button = document.querySelector(".menu-button");
const side = document.getElementById("side");
if (button && side) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = side.classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
}
document.querySelector(".field.wrong :is(input, select, textarea)")?.focus();
